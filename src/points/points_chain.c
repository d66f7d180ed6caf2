/*
 * points_chain.c: an entry's hash for the audit, which reads the journal by SQL.
 */
#include "crm.h"

#include "utils/builtins.h"
#include "utils/date.h"

#include "points_chain_core.h"

static void
text_part(FunctionCallInfo fcinfo, int argument, CrmPointsEntry *entry, int part)
{
	const struct varlena *value;

	entry->text[part] = "";
	entry->length[part] = 0;
	if (PG_ARGISNULL(argument))
		return;
	value = PG_GETARG_VARLENA_PP(argument);
	entry->text[part] = VARDATA_ANY(value);
	entry->length[part] = VARSIZE_ANY_EXHDR(value);
}

/* Arguments: the hash before, the numbers in their order, the texts in theirs. */
PG_FUNCTION_INFO_V1(crm_points_entry_hash);
Datum
crm_points_entry_hash(PG_FUNCTION_ARGS)
{
	static const int64 missing[CRM_ENTRY_NUMBERS] = {[CRM_ENTRY_EXPIRES_ON] = PG_INT32_MIN};
	uint8		before[CRM_HASH_SIZE] = {0};
	bytea	   *hash = palloc(VARHDRSZ + CRM_HASH_SIZE);
	CrmPointsEntry entry;

	if (!PG_ARGISNULL(0) && VARSIZE_ANY_EXHDR(PG_GETARG_BYTEA_PP(0)) == CRM_HASH_SIZE)
		memcpy(before, VARDATA_ANY(PG_GETARG_BYTEA_PP(0)), CRM_HASH_SIZE);
	for (int i = 0; i < CRM_ENTRY_NUMBERS; i++)
	{
		bool		is_date = i == CRM_ENTRY_BUSINESS_DATE || i == CRM_ENTRY_EXPIRES_ON;
		Datum		value = PG_GETARG_DATUM(1 + i);

		entry.number[i] = PG_ARGISNULL(1 + i) ? missing[i] : is_date ? DatumGetDateADT(value) :
			i == CRM_ENTRY_IS_REST ? DatumGetBool(value) : i == CRM_ENTRY_RULE_VERSION ? DatumGetInt32(value) : DatumGetInt64(value);
	}
	for (int i = 0; i < CRM_ENTRY_TEXTS; i++)
		text_part(fcinfo, 1 + CRM_ENTRY_NUMBERS + i, &entry, i);
	SET_VARSIZE(hash, VARHDRSZ + CRM_HASH_SIZE);
	if (!crm_points_hash(before, &entry, (uint8 *) VARDATA(hash)))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hash);
}
