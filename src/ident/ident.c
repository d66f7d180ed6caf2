/*
 * ident.c: the SQL face of room ident: validators, parsers and the facts they
 * find.  The judging is done in the *_core.c files; here texts are unpacked and
 * rows are built.
 */
#include "crm.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/jsonb.h"

#include "ident.h"

#define VALIDATE_COLUMNS 4
#define ADDRESS_COLUMNS 7
#define RESIDENT_COLUMNS 4
#define PHONE_COLUMNS 4
#define CARD_COLUMNS 5
#define KIND_LIST_MAX 512

/* The one place that says there is no such kind, with those that there are. */
static CrmKind
kind_from_text(const text *name)
{
	CrmKind		kind;
	char		list[KIND_LIST_MAX];
	size_t		used = 0;

	if (crm_kind_find(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &kind))
		return kind;
	for (int i = 0; i < CRM_KIND_COUNT; i++)
		used += snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", crm_kind_name(i));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no such kind of identifier"),
			 errhint("Kinds are %s.", list)));
}

static bool
judge(CrmKind kind, const text *value, CrmVerdict *verdict)
{
	return crm_ident_validate(kind, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), verdict);
}

/* Days since 2000 of a date that the core found to be real. */
static DateADT
date_from_digits(int32 yyyymmdd)
{
	return date2j(yyyymmdd / 10000, yyyymmdd / 100 % 100, yyyymmdd % 100) - POSTGRES_EPOCH_JDATE;
}

/* The row that the function returns, looked up once per call site. */
static TupleDesc
result_row(FunctionCallInfo fcinfo)
{
	FmgrInfo   *site = fcinfo->flinfo;

	if (site->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(site->fn_mcxt);
		TupleDesc	row;

		if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		site->fn_extra = BlessTupleDesc(row);
		MemoryContextSwitchTo(old);
	}
	return (TupleDesc) site->fn_extra;
}

/* Text, or null when there is none. */
static void
put_text(Datum *values, bool *nulls, int column, const char *value)
{
	nulls[column] = value == NULL || value[0] == '\0';
	if (!nulls[column])
		values[column] = CStringGetTextDatum(value);
}

/* Facts as jsonb: only those that the kind gives. */

typedef struct Facts
{
	JsonbParseState *state;
} Facts;

static void
fact_value(Facts *facts, const char *key, JsonbValue *value)
{
	JsonbValue	name;

	name.type = jbvString;
	name.val.string.val = unconstify(char *, key);
	name.val.string.len = strlen(key);
	pushJsonbValue(&facts->state, WJB_KEY, &name);
	pushJsonbValue(&facts->state, WJB_VALUE, value);
}

static void
fact_text(Facts *facts, const char *key, const char *text)
{
	JsonbValue	value;

	if (text == NULL || text[0] == '\0')
		return;
	value.type = jbvString;
	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	fact_value(facts, key, &value);
}

static void
fact_true(Facts *facts, const char *key, bool holds)
{
	JsonbValue	value;

	if (!holds)
		return;
	value.type = jbvBool;
	value.val.boolean = true;
	fact_value(facts, key, &value);
}

static Datum
facts_of(const CrmVerdict *verdict)
{
	Facts		facts = {NULL};
	JsonbValue *whole;

	pushJsonbValue(&facts.state, WJB_BEGIN_OBJECT, NULL);
	if (verdict->region != 0)
		fact_text(&facts, "region", psprintf("%06d", verdict->region));
	fact_text(&facts, "region_name", crm_division_name(verdict->region));
	if (verdict->birth_date != 0)
		fact_text(&facts, "birth_date", psprintf("%04d-%02d-%02d", verdict->birth_date / 10000,
												 verdict->birth_date / 100 % 100, verdict->birth_date % 100));
	if (verdict->sex != 0)
		fact_text(&facts, "sex", psprintf("%c", verdict->sex));
	fact_text(&facts, "type", verdict->type);
	fact_text(&facts, "extension", verdict->extension);
	fact_text(&facts, "country", verdict->country);
	fact_text(&facts, "issuer", verdict->issuer);
	fact_text(&facts, "network", verdict->network);
	fact_true(&facts, "was_15_digits", verdict->was_15_digits);
	fact_true(&facts, "region_withdrawn", verdict->region_withdrawn);
	fact_true(&facts, "region_withdrawn_before_birth", verdict->region_withdrawn_before_birth);
	fact_true(&facts, "region_unknown", verdict->region_unknown);
	fact_true(&facts, "category_unknown", verdict->category_unknown);
	fact_true(&facts, "organization_code_differs", verdict->organization_code_differs);
	whole = pushJsonbValue(&facts.state, WJB_END_OBJECT, NULL);
	return JsonbPGetDatum(JsonbValueToJsonb(whole));
}

PG_FUNCTION_INFO_V1(crm_validate);
Datum
crm_validate(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;
	Datum		values[VALIDATE_COLUMNS];
	bool		nulls[VALIDATE_COLUMNS] = {false};
	bool		valid = judge(kind_from_text(PG_GETARG_TEXT_PP(0)), PG_GETARG_TEXT_PP(1), &verdict);

	values[0] = BoolGetDatum(valid);
	put_text(values, nulls, 1, verdict.normalized);
	put_text(values, nulls, 2, valid ? NULL : crm_reason_name(verdict.reason));
	nulls[3] = !valid;
	if (valid)
		values[3] = facts_of(&verdict);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}

/* Yes or no, for CHECK constraints and WHERE: nothing is allocated. */

static Datum
valid_of_kind(FunctionCallInfo fcinfo, CrmKind kind)
{
	const text *value = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(crm_ident_valid(kind, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

#define VALID_FUNCTION(name, kind) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	return valid_of_kind(fcinfo, kind); \
}

VALID_FUNCTION(crm_resident_id_valid, CRM_KIND_RESIDENT_ID)
VALID_FUNCTION(crm_uscc_valid, CRM_KIND_USCC)
VALID_FUNCTION(crm_organization_code_valid, CRM_KIND_ORG_CODE)
VALID_FUNCTION(crm_business_license_valid, CRM_KIND_BUSINESS_LICENSE)
VALID_FUNCTION(crm_bank_card_valid, CRM_KIND_BANK_CARD)
VALID_FUNCTION(crm_phone_valid, CRM_KIND_PHONE)
VALID_FUNCTION(crm_email_valid, CRM_KIND_EMAIL)
VALID_FUNCTION(crm_postal_code_valid, CRM_KIND_POSTAL_CODE)
VALID_FUNCTION(crm_person_name_valid, CRM_KIND_PERSON_NAME)
VALID_FUNCTION(crm_organization_name_valid, CRM_KIND_ORGANIZATION_NAME)

/* Valid, and the holder was born by that day: what reads the clock is the caller. */
PG_FUNCTION_INFO_V1(crm_resident_id_valid_on);
Datum
crm_resident_id_valid_on(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;

	if (!judge(CRM_KIND_RESIDENT_ID, PG_GETARG_TEXT_PP(0), &verdict))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(date_from_digits(verdict.birth_date) <= PG_GETARG_DATEADT(1));
}

/* Kinds that are travel documents; any other name is no such kind. */
PG_FUNCTION_INFO_V1(crm_travel_document_valid);
Datum
crm_travel_document_valid(PG_FUNCTION_ARGS)
{
	const text *name = PG_GETARG_TEXT_PP(0);
	CrmVerdict	verdict;
	CrmKind		kind;

	if (!crm_kind_find(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), &kind) ||
		kind < CRM_KIND_PASSPORT || kind > CRM_KIND_TW_ID)
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(judge(kind, PG_GETARG_TEXT_PP(1), &verdict));
}

/* Parsers: the facts as columns; null when the text is not valid. */

PG_FUNCTION_INFO_V1(crm_resident_id_parse);
Datum
crm_resident_id_parse(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;
	Datum		values[RESIDENT_COLUMNS];
	bool		nulls[RESIDENT_COLUMNS] = {false};

	if (!judge(CRM_KIND_RESIDENT_ID, PG_GETARG_TEXT_PP(0), &verdict))
		PG_RETURN_NULL();
	values[0] = Int32GetDatum(verdict.region);
	put_text(values, nulls, 1, crm_division_name(verdict.region));
	values[2] = DateADTGetDatum(date_from_digits(verdict.birth_date));
	values[3] = CharGetDatum(verdict.sex);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}

PG_FUNCTION_INFO_V1(crm_phone_parse_sql);
Datum
crm_phone_parse_sql(PG_FUNCTION_ARGS)
{
	const text *value = PG_GETARG_TEXT_PP(0);
	char	   *country = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *extension;
	CrmVerdict	verdict;
	Datum		values[PHONE_COLUMNS];
	bool		nulls[PHONE_COLUMNS] = {false};

	if (!crm_phone_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), country, &verdict))
		PG_RETURN_NULL();
	extension = strchr(verdict.normalized, ';');
	if (extension != NULL)
		*extension = '\0';
	put_text(values, nulls, 0, verdict.normalized);
	put_text(values, nulls, 1, verdict.type);
	put_text(values, nulls, 2, verdict.extension);
	put_text(values, nulls, 3, verdict.country);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}

PG_FUNCTION_INFO_V1(crm_bank_card_info);
Datum
crm_bank_card_info(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;
	Datum		values[CARD_COLUMNS];
	bool		nulls[CARD_COLUMNS] = {false};

	if (!judge(CRM_KIND_BANK_CARD, PG_GETARG_TEXT_PP(0), &verdict))
		PG_RETURN_NULL();
	put_text(values, nulls, 0, verdict.network);
	put_text(values, nulls, 1, verdict.issuer);
	put_text(values, nulls, 2, verdict.type);
	values[3] = Int32GetDatum((int32) verdict.length);
	put_text(values, nulls, 4, verdict.normalized + verdict.length - 4);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}

static Datum
candidate_array(const CrmAddress *address)
{
	Datum		codes[lengthof(address->candidates)];

	for (int i = 0; i < address->candidate_count; i++)
		codes[i] = CStringGetTextDatum(psprintf("%06d", address->candidates[i]));
	return PointerGetDatum(construct_array(codes, address->candidate_count, TEXTOID, -1, false, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(crm_address_parse_sql);
Datum
crm_address_parse_sql(PG_FUNCTION_ARGS)
{
	const text *value = PG_GETARG_TEXT_PP(0);
	CrmAddress	address;
	Datum		values[ADDRESS_COLUMNS];
	bool		nulls[ADDRESS_COLUMNS] = {false};

	if (!crm_address_parse(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), &address))
		PG_RETURN_NULL();
	nulls[0] = address.division == 0;
	values[0] = Int32GetDatum(address.division);
	put_text(values, nulls, 1, address.province);
	put_text(values, nulls, 2, address.city);
	put_text(values, nulls, 3, address.district);
	put_text(values, nulls, 4, address.township);
	put_text(values, nulls, 5, address.detail);
	nulls[6] = address.candidate_count == 0;
	if (!nulls[6])
		values[6] = candidate_array(&address);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(result_row(fcinfo), values, nulls)));
}

/* Bytes of the surname as a text, null for a name without one. */
PG_FUNCTION_INFO_V1(crm_person_surname);
Datum
crm_person_surname(PG_FUNCTION_ARGS)
{
	CrmVerdict	verdict;
	size_t		bytes;

	if (!judge(CRM_KIND_PERSON_NAME, PG_GETARG_TEXT_PP(0), &verdict))
		PG_RETURN_NULL();
	bytes = crm_person_surname_length(verdict.normalized, verdict.length);
	if (bytes == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(verdict.normalized, bytes));
}

/* A reason in words: Chinese for zh and its variants, else English. */
PG_FUNCTION_INFO_V1(crm_reason_text);
Datum
crm_reason_text(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *language = text_to_cstring(PG_GETARG_TEXT_PP(1));

	for (int i = 0; i < CRM_REASON_COUNT; i++)
	{
		if (strcmp(crm_reason_name(i), name) == 0)
			PG_RETURN_TEXT_P(cstring_to_text(pg_strncasecmp(language, "zh", 2) == 0 ?
											 crm_reason_chinese(i) : crm_reason_english(i)));
	}
	PG_RETURN_NULL();
}
