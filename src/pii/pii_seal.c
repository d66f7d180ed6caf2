/*
 * pii_seal.c: from a normalised value to a datum and back: what other rooms call.
 */
#include "pii_room.h"

#include <openssl/crypto.h>

#include "miscadmin.h"

static CrmNonces nonces;

struct varlena *
crm_pii_seal(CrmPiiType type, const char *normalized, size_t length)
{
	CrmSealKeys keys;
	uint8		nonce[CRM_NONCE_SIZE];
	size_t		size = crm_envelope_size(type, length);
	struct varlena *datum;

	crm_pii_seal_keys(type, &keys);
	datum = palloc(VARHDRSZ + size);
	SET_VARSIZE(datum, VARHDRSZ + size);
	if (!crm_nonce_next(&nonces, MyProcPid, nonce) ||
		!crm_envelope_seal(type, &keys, nonce, normalized, length, (uint8 *) VARDATA(datum)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not encrypt a value of type %s", crm_pii_traits(type)->sql_name)));
	return datum;
}

bool
crm_pii_open(const struct varlena *datum, CrmPiiType type, char *buffer, size_t size,
			 size_t *length)
{
	struct varlena *packed = pg_detoast_datum_packed((struct varlena *) datum);
	const uint8 *envelope = CRM_ENVELOPE_DATA(packed);
	size_t		envelope_size = CRM_ENVELOPE_SIZE(packed);
	uint8		text[CRM_ENVELOPE_MAX];
	CrmEnvelopeFault fault = crm_envelope_check(type, envelope, envelope_size);
	CrmCipher  *cipher = NULL;
	bool		fits;

	if (fault == CRM_ENVELOPE_OK)
	{
		cipher = crm_pii_cipher(crm_envelope_key_id(envelope), type);
		if (cipher == NULL)
			crm_key_fault_raise(crm_keys_ready() == CRM_KEY_OK ? CRM_KEY_UNKNOWN_ID : crm_keys_ready());
		fault = crm_envelope_open(type, cipher, envelope, envelope_size, text, length);
	}
	if (fault != CRM_ENVELOPE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("value of type %s does not open", crm_pii_traits(type)->sql_name),
				 errdetail("%s", crm_envelope_fault(fault)),
				 errhint("Restore the value from a backup.")));
	fits = *length < size;
	if (fits)
	{
		memcpy(buffer, text, *length);
		buffer[*length] = '\0';
	}
	OPENSSL_cleanse(text, *length);
	if (packed != datum)
		pfree(packed);
	return fits;
}
