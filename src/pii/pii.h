/*
 * pii.h: the room that keeps personal data: seven types over one envelope.
 *
 * On disk a value is a varlena that holds an envelope and nothing else; every
 * number in it is big-endian:
 *
 *	offset	bytes
 *	0		1		version, 1
 *	1		1		class: the type, a CrmPiiType
 *	2		4		id of the encryption key
 *	6		2		id of the token key				(not in private_text)
 *	8		16		token							(not in private_text)
 *	24 / 6	12		nonce, random
 *	36 / 18	n		ciphertext
 *	...		16		tag
 *
 * The token is HMAC-SHA-256 over class and normalised value, cut to 128 bits:
 * equal values of one type have equal tokens, and that is all a token tells.
 * private_text is never searched, so it goes without token.
 *
 * The cipher is AES-256-GCM; its associated data is all that stands before the
 * nonce, and the name of the type.  So neither a token nor a key id nor the
 * class can be exchanged.  email, person_name, postal_address and private_text
 * are padded to steps of 32 bytes before encryption (one byte 0x80, then zeros),
 * because their length tells; the others have nearly one length each.
 *
 * Keys: crm_secure.key_ring keeps data keys, wrapped by the key-encryption key
 * (pii_key.c).  From a data key each class gets a key of its own,
 *
 *	HMAC-SHA-256(data key, "crm.pii.v1." purpose "." type)
 *
 * where purpose is "encryption" or "token"; no key serves two ends.
 *
 * As text an envelope is "crm1:" and its bytes in base64url without padding
 * (RFC 4648 section 5), in the one canonical spelling.
 */
#ifndef CRM_PII_H
#define CRM_PII_H

#include <stdbool.h>
#include <stddef.h>

struct varlena;

/* The value is the class byte of the envelope: never renumber. */
typedef enum CrmPiiType
{
	CRM_PII_PHONE = 1,
	CRM_PII_ID_NUMBER,
	CRM_PII_BANK_CARD,
	CRM_PII_EMAIL,
	CRM_PII_PERSON_NAME,
	CRM_PII_POSTAL_ADDRESS,
	CRM_PII_PRIVATE_TEXT,
	CRM_PII_TYPE_END
} CrmPiiType;

/* Longest text of crm.private_text in bytes; no other type takes more. */
#define CRM_PII_TEXT_MAX 8192

/*
 * Encrypt a value that room ident has normalised; the datum is palloc'd in the
 * current context.  Checks no right: crm_pii_require_writer() does.  Raises
 * KH012 when no key is at hand.
 */
extern struct varlena *crm_pii_seal(CrmPiiType type, const char *normalized, size_t length);

/*
 * Decrypt into the caller's buffer, with a NUL behind the text.  False when it
 * holds less than *length + 1 bytes (CRM_PII_TEXT_MAX + 1 is always enough).
 * Raises XX001 when the envelope is not of this type or was tampered with, and
 * KH012 when its key is not at hand.  Checks no right and writes no log.
 */
extern bool crm_pii_open(const struct varlena *datum, CrmPiiType type,
						 char *buffer, size_t size, size_t *length);

/*
 * Raise 42501 unless both the current and the session user hold crm_writer or
 * crm_searcher: the right to hand in plain values.
 */
extern void crm_pii_require_writer(void);

/* The personal-data type that a type of the database is, CRM_PII_TYPE_END for another. */
extern CrmPiiType crm_pii_type_of(unsigned int type);

/*
 * Raise 42501 unless both the current and the session user hold crm_steward: the
 * right to have personal values compared, which shows none of them.
 */
extern void crm_pii_require_steward(void);

/*
 * A secret of this database for another room's keyed hashes, from the active
 * token key.  Raises KH012 when no key is at hand.
 */
extern void crm_pii_secret(const char *purpose, unsigned char secret[32]);

#endif
