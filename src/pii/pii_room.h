/*
 * pii_room.h: what the files of room pii share among themselves, on the
 * server's side of the cores.
 */
#ifndef CRM_PII_ROOM_H
#define CRM_PII_ROOM_H

#include "crm.h"

#include "pii.h"
#include "pii_envelope_core.h"
#include "pii_mask_core.h"

/* Who asks: pii_caller.c */

/*
 * Rights of this room and the roles that carry them.  A right counts only when
 * the session user has it too: else a function of its holder, SECURITY DEFINER,
 * would hand it to everybody.
 */
typedef enum CrmRight
{
	CRM_RIGHT_PLAIN,			/* hand in plain values: crm_writer, crm_searcher */
	CRM_RIGHT_ENVELOPE,			/* read envelopes: crm_backup */
	CRM_RIGHT_REVEAL,			/* crm_revealer */
	CRM_RIGHT_CUSTODY,			/* crm_key_custodian */
	CRM_RIGHT_NARROW,			/* narrow masks: crm_admin, crm_data_admin */
	CRM_RIGHT_WIDEN,			/* widen masks up to their limit: crm_data_admin */
	CRM_RIGHT_COMPARE,			/* have values compared: crm_steward */
	CRM_RIGHT_END
} CrmRight;

extern bool crm_pii_has_right(CrmRight right);
extern void crm_pii_caller_init(void);

/* Keys: pii_kek.c reads the key-encryption key, pii_ring.c the data keys */

/* Why there is no key; crm_key_fault_raise() puts it into words. */
typedef enum CrmKeyFault
{
	CRM_KEY_OK,
	CRM_KEY_NO_SOURCE,
	CRM_KEY_NOT_ABSOLUTE,
	CRM_KEY_INSIDE_DATA,
	CRM_KEY_NO_FILE,
	CRM_KEY_UNREADABLE,
	CRM_KEY_OWNER,
	CRM_KEY_MODE,
	CRM_KEY_FORM,
	CRM_KEY_COMMAND,
	CRM_KEY_NO_RING,
	CRM_KEY_EMPTY_RING,
	CRM_KEY_WRONG,
	CRM_KEY_LOST,
	CRM_KEY_UNKNOWN_ID,
	CRM_KEY_NOT_NOW,
	CRM_KEY_FAULT_END
} CrmKeyFault;

#define CRM_KEYS_MAX 256		/* rows of the key ring that can be used */

/* Key material lies together in locked memory that core dumps leave out. */
typedef struct CrmSecrets
{
	uint8		kek[CRM_KEY_SIZE];
	uint8		data_key[CRM_KEYS_MAX][CRM_KEY_SIZE];
	char		text[CRM_KEY_TEXT_SIZE * 2];	/* a key file while it is read */
} CrmSecrets;

extern char *crm_key_file;
extern char *crm_key_command;

extern CrmSecrets *crm_secrets(void);
extern CrmKeyFault crm_kek_load(void);
extern void crm_kek_forget(void);
extern CrmKeyFault crm_key_file_check_path(void);
extern const char *crm_kek_source(void);
extern void crm_kek_init(void);

extern CrmKeyFault crm_keys_ready(void);
extern void crm_keys_forget(void);
extern CrmCipher *crm_pii_cipher(uint32 key_id, CrmPiiType type);
extern CrmKeyFault crm_pii_seal_fault(void);
extern void crm_pii_seal_keys(CrmPiiType type, CrmSealKeys *keys);
extern Oid	crm_key_ring_oid(void);
extern void crm_keys_count(int *keys, uint32 *encryption_id, uint32 *token_id);
extern const char *crm_key_fault_detail(CrmKeyFault fault);
pg_noreturn extern void crm_key_fault_raise(CrmKeyFault fault);
extern void crm_ring_init(void);

/* Screen or dump: pii_dump.c */
extern bool crm_pii_dump_context(void);
extern void crm_pii_require_envelope_right(void);
extern void crm_pii_dump_init(void);

/* Masks: pii_settings.c */
extern CrmMaskRule crm_pii_mask_rule(CrmPiiType type);
extern void crm_pii_settings_init(void);


/* The envelope in a datum: its bytes and their number. */
#define CRM_ENVELOPE_DATA(datum)	((uint8 *) VARDATA_ANY(datum))
#define CRM_ENVELOPE_SIZE(datum)	VARSIZE_ANY_EXHDR(datum)

/* Type of an envelope that passed an input function. */
static inline CrmPiiType
crm_pii_datum_type(const struct varlena *datum)
{
	return CRM_ENVELOPE_SIZE(datum) > 1 ? (CrmPiiType) CRM_ENVELOPE_DATA(datum)[1] : CRM_PII_TYPE_END;
}

#endif
