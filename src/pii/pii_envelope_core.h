/*
 * pii_envelope_core.h: the seven types, their envelope (laid out in pii.h), its
 * text form, and what makes an envelope well formed.
 */
#ifndef CRM_PII_ENVELOPE_CORE_H
#define CRM_PII_ENVELOPE_CORE_H

#include "pii.h"
#include "pii_crypto_core.h"

#define CRM_ENVELOPE_VERSION	1
#define CRM_ENVELOPE_PREFIX		"crm1:"
#define CRM_ENVELOPE_PREFIX_LENGTH 5

#define CRM_TOKEN_SIZE			16
/* Token key id and token: what is compared, hashed and ordered. */
#define CRM_TOKEN_OFFSET		6
#define CRM_TOKEN_FIELD			(2 + CRM_TOKEN_SIZE)
/* Where the nonce begins, with and without a token. */
#define CRM_ENVELOPE_HEAD		(CRM_TOKEN_OFFSET + CRM_TOKEN_FIELD)
#define CRM_ENVELOPE_HEAD_BARE	CRM_TOKEN_OFFSET

#define CRM_PAD_STEP			32
#define CRM_PADDED(length)		(((length) / CRM_PAD_STEP + 1) * CRM_PAD_STEP)
#define CRM_ENVELOPE_MAX \
	(CRM_ENVELOPE_HEAD + CRM_NONCE_SIZE + CRM_PADDED(CRM_PII_TEXT_MAX) + CRM_TAG_SIZE)
/* Bytes of the text form of an envelope of that many bytes, NUL not counted. */
#define CRM_ENVELOPE_TEXT(length) \
	(CRM_ENVELOPE_PREFIX_LENGTH + ((length) * 4 + 2) / 3)

/* What the types differ in. */
typedef struct CrmPiiTraits
{
	char		name[24];		/* phone */
	char		sql_name[24];	/* crm.phone */
	bool		padded;
	bool		has_token;
	size_t		text_max;		/* bytes of normalised text */
	size_t		head;			/* bytes before the nonce */
	size_t		aad;			/* of the associated data: head and sql_name */
} CrmPiiTraits;

/* Why bytes or a text are no envelope of a type. */
typedef enum CrmEnvelopeFault
{
	CRM_ENVELOPE_OK,
	CRM_ENVELOPE_ENCODING,
	CRM_ENVELOPE_SHORT,
	CRM_ENVELOPE_BAD_VERSION,
	CRM_ENVELOPE_BAD_CLASS,
	CRM_ENVELOPE_BAD_LENGTH,
	CRM_ENVELOPE_TAMPERED
} CrmEnvelopeFault;

/* The keys with which one value is sealed. */
typedef struct CrmSealKeys
{
	uint32_t	key_id;
	uint16_t	token_key_id;
	CrmCipher *cipher;
	const CrmHmac *token;
} CrmSealKeys;

/* NULL when there is no such type. */
extern const CrmPiiTraits *crm_pii_traits(CrmPiiType type);
extern bool crm_pii_type_find(const char *name, CrmPiiType *type);

extern size_t crm_envelope_size(CrmPiiType type, size_t text_length);
extern bool crm_envelope_seal(CrmPiiType type, const CrmSealKeys *keys,
							  const uint8_t nonce[CRM_NONCE_SIZE],
							  const char *text, size_t length, uint8_t *envelope);
extern CrmEnvelopeFault crm_envelope_check(CrmPiiType type, const uint8_t *envelope, size_t size);
extern uint32_t crm_envelope_key_id(const uint8_t *envelope);
extern CrmEnvelopeFault crm_envelope_open(CrmPiiType type, CrmCipher *cipher,
										  const uint8_t *envelope, size_t size,
										  uint8_t *text, size_t *length);
extern size_t crm_envelope_print(const uint8_t *envelope, size_t size, char *text);
extern CrmEnvelopeFault crm_envelope_parse(const char *text, size_t length,
										   uint8_t *envelope, size_t *size);
extern bool crm_envelope_announced(const char *text, size_t length);
extern const char *crm_envelope_fault(CrmEnvelopeFault fault);

#endif
