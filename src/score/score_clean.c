/*
 * score_clean.c: what cleaning must know of encrypted values, and how it keeps those
 * that it changes.  All of this is for crm_owner's functions alone.  The first ones
 * say what a value tells, never the value; what is opened as a whole is nothing but
 * what cleaning itself has sealed, and only for the field it was sealed for.
 */
#include "postgres.h"

#include <openssl/crypto.h>

#include "access/htup_details.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"

#include "compat.h"
#include "ident/ident.h"
#include "pii/pii.h"

/* Room ident's verdict on an encrypted document number; the plain text stays on this stack. */
static bool
judge_number(FunctionCallInfo fcinfo, CrmKind kind, CrmVerdict *verdict)
{
	char		plain[CRM_PII_TEXT_MAX + 1];
	size_t		length;
	bool		valid;

	(void) crm_pii_open(PG_GETARG_VARLENA_PP(0), CRM_PII_ID_NUMBER, plain, sizeof(plain), &length);
	valid = crm_ident_validate(kind, plain, length, verdict);
	OPENSSL_cleanse(plain, length);
	return valid;
}

PG_FUNCTION_INFO_V1(crm_quality_identity);
Datum
crm_quality_identity(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;
	TupleDesc	desc;
	Datum		values[2] = {0};
	bool		nulls[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 2)
		elog(ERROR, "crm.quality_identity returns two columns");
	if (judge_number(fcinfo, CRM_KIND_RESIDENT_ID, &verdict))
	{
		values[0] = DateADTGetDatum(date2j(verdict.birth_date / 10000, verdict.birth_date / 100 % 100,
										   verdict.birth_date % 100) - POSTGRES_EPOCH_JDATE);
		nulls[0] = verdict.birth_date == 0;
		values[1] = CharGetDatum(verdict.sex);
		nulls[1] = verdict.sex == 0;
	}
	OPENSSL_cleanse(&verdict, sizeof(verdict));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* A credit code is public; it is encrypted only because documents are. */
PG_FUNCTION_INFO_V1(crm_quality_credit_code);
Datum
crm_quality_credit_code(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;

	if (!judge_number(fcinfo, CRM_KIND_USCC, &verdict))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(verdict.normalized, verdict.length));
}

PG_FUNCTION_INFO_V1(crm_quality_division);
Datum
crm_quality_division(PG_FUNCTION_ARGS)
{
	char		plain[CRM_PII_TEXT_MAX + 1];
	size_t		length;
	CrmAddress	address;
	bool		readable;
	int32		division;

	(void) crm_pii_open(PG_GETARG_VARLENA_PP(0), CRM_PII_POSTAL_ADDRESS, plain, sizeof(plain), &length);
	readable = crm_address_parse(plain, length, &address);
	division = readable ? address.division : 0;
	OPENSSL_cleanse(plain, length);
	OPENSSL_cleanse(&address, sizeof(address));
	if (division == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(division);
}

/* The field stands before the value, so that a seal for one field is none for another. */
PG_FUNCTION_INFO_V1(crm_cleaning_seal);
Datum
crm_cleaning_seal(PG_FUNCTION_ARGS)
{
	char	   *bound = psprintf("cleaning:%s=%s", text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	struct varlena *sealed;

	if (strlen(bound) > CRM_PII_TEXT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("value is too long to be sealed"), errhidestmt(true)));
	sealed = crm_pii_seal(CRM_PII_PRIVATE_TEXT, bound, strlen(bound));
	OPENSSL_cleanse(bound, strlen(bound));
	PG_RETURN_POINTER(sealed);
}

PG_FUNCTION_INFO_V1(crm_cleaning_open);
Datum
crm_cleaning_open(PG_FUNCTION_ARGS)
{
	char	   *bound = psprintf("cleaning:%s=", text_to_cstring(PG_GETARG_TEXT_PP(0)));
	size_t		head = strlen(bound);
	char		plain[CRM_PII_TEXT_MAX + 1];
	size_t		length;
	text	   *value;

	(void) crm_pii_open(PG_GETARG_VARLENA_PP(1), CRM_PII_PRIVATE_TEXT, plain, sizeof(plain), &length);
	if (length < head || memcmp(plain, bound, head) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("value was not sealed by cleaning for this field"), errhidestmt(true)));
	value = cstring_to_text_with_len(plain + head, length - head);
	OPENSSL_cleanse(plain, length);
	PG_RETURN_TEXT_P(value);
}

/* Each part with its length before it, so that no two contents look alike. */
static void
hash_part(pg_cryptohash_ctx *context, FunctionCallInfo fcinfo, int argument)
{
	uint32		length = 0xFFFFFFFF;
	struct varlena *part = NULL;

	if (!PG_ARGISNULL(argument))
	{
		part = PG_GETARG_VARLENA_PP(argument);
		length = VARSIZE_ANY_EXHDR(part);
	}
	if (pg_cryptohash_update(context, (uint8 *) &length, sizeof(length)) < 0 ||
		(part != NULL && pg_cryptohash_update(context, (uint8 *) VARDATA_ANY(part), VARSIZE_ANY_EXHDR(part)) < 0))
		elog(ERROR, "SHA-256 failed");
}

PG_FUNCTION_INFO_V1(crm_cleaning_digest);
Datum
crm_cleaning_digest(PG_FUNCTION_ARGS)
{
	pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);
	bytea	   *digest = palloc(VARHDRSZ + PG_SHA256_DIGEST_LENGTH);

	SET_VARSIZE(digest, VARHDRSZ + PG_SHA256_DIGEST_LENGTH);
	if (context == NULL || pg_cryptohash_init(context) < 0)
		elog(ERROR, "SHA-256 failed");
	for (int i = 0; i < 3; i++)
		hash_part(context, fcinfo, i);
	if (pg_cryptohash_final(context, (uint8 *) VARDATA(digest), PG_SHA256_DIGEST_LENGTH) < 0)
		elog(ERROR, "SHA-256 failed");
	pg_cryptohash_free(context);
	PG_RETURN_BYTEA_P(digest);
}
