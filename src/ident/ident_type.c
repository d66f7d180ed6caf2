/*
 * ident_type.c: types crm.division_code and crm.unified_social_credit_code.
 *
 * A division code is a plain int4.  The server's functions for int4 would do to
 * compare it, but a function of LANGUAGE internal is found by name each time a
 * plan starts, one of three thousand; a C function is found by its number.  Sort
 * support is asked for once a sort, so there the server's own serves.
 *
 * A credit code is its eighteen normalised characters, of fixed
 * length and compared byte by byte: no collation, nothing to leak.
 */
#include "crm.h"

#include "common/hashfn.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"

#include "ident_core.h"

#define USCC_LENGTH 18
#define LOOKUP_MAX 64
#define DIVISION_COLUMNS 7

/* crm.division_code */

/* The one place that says what is wrong with a division code. */
static int32
division_from_text(const char *text)
{
	int32_t		code;
	CrmReason	reason;

	if (!crm_division_read(text, strlen(text), &code, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "crm.division_code", text),
				 errdetail("%s", crm_reason_english(reason)),
				 errhint("A division code has six digits; crm.division_lookup(name) finds the code of a place.")));
	return code;
}

PG_FUNCTION_INFO_V1(crm_division_code_in);
Datum
crm_division_code_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(division_from_text(PG_GETARG_CSTRING(0)));
}

PG_FUNCTION_INFO_V1(crm_division_code_out);
Datum
crm_division_code_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(psprintf("%06d", PG_GETARG_INT32(0)));
}

PG_FUNCTION_INFO_V1(crm_division_code_recv);
Datum
crm_division_code_recv(PG_FUNCTION_ARGS)
{
	int32		code = pq_getmsgint((StringInfo) PG_GETARG_POINTER(0), 4);
	char		text[16];
	int32_t		again;
	CrmReason	reason;
	int			length = snprintf(text, sizeof(text), "%06d", code);

	if (!crm_division_read(text, length, &again, &reason))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value for type %s", "crm.division_code"),
				 errdetail("%s", crm_reason_english(reason))));
	PG_RETURN_INT32(code);
}

PG_FUNCTION_INFO_V1(crm_division_code_send);
Datum
crm_division_code_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint32(&buf, PG_GETARG_INT32(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

#define DIVISION_COMPARISON(name, operator) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_BOOL(PG_GETARG_INT32(0) operator PG_GETARG_INT32(1)); \
}

DIVISION_COMPARISON(crm_division_code_eq, ==)
DIVISION_COMPARISON(crm_division_code_ne, !=)
DIVISION_COMPARISON(crm_division_code_lt, <)
DIVISION_COMPARISON(crm_division_code_le, <=)
DIVISION_COMPARISON(crm_division_code_gt, >)
DIVISION_COMPARISON(crm_division_code_ge, >=)

PG_FUNCTION_INFO_V1(crm_division_code_cmp);
Datum
crm_division_code_cmp(PG_FUNCTION_ARGS)
{
	int32		a = PG_GETARG_INT32(0);
	int32		b = PG_GETARG_INT32(1);

	PG_RETURN_INT32(a > b ? 1 : a < b ? -1 : 0);
}

PG_FUNCTION_INFO_V1(crm_division_code_hash);
Datum
crm_division_code_hash(PG_FUNCTION_ARGS)
{
	return hash_uint32(PG_GETARG_INT32(0));
}

PG_FUNCTION_INFO_V1(crm_division_code_hash_extended);
Datum
crm_division_code_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_uint32_extended(PG_GETARG_INT32(0), PG_GETARG_INT64(1));
}

PG_FUNCTION_INFO_V1(crm_division_code_valid);
Datum
crm_division_code_valid(PG_FUNCTION_ARGS)
{
	text	   *input = PG_GETARG_TEXT_PP(0);
	int32_t		code;
	CrmReason	reason;

	PG_RETURN_BOOL(crm_division_read(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), &code, &reason));
}

PG_FUNCTION_INFO_V1(crm_division_name_sql);
Datum
crm_division_name_sql(PG_FUNCTION_ARGS)
{
	const char *name = crm_division_name(PG_GETARG_INT32(0));

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* Name, or null when the code is 0 or unknown. */
static void
put_name(Datum *values, bool *nulls, int column, int32 code)
{
	const char *name = code == 0 ? NULL : crm_division_name(code);

	nulls[column] = name == NULL;
	if (name != NULL)
		values[column] = CStringGetTextDatum(name);
}

PG_FUNCTION_INFO_V1(crm_division_info);
Datum
crm_division_info(PG_FUNCTION_ARGS)
{
	int32		code = PG_GETARG_INT32(0);
	CrmDivisionFacts facts;
	TupleDesc	row;
	Datum		values[DIVISION_COLUMNS];
	bool		nulls[DIVISION_COLUMNS] = {false};

	if (!crm_division_facts(code, &facts))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &row) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	put_name(values, nulls, 0, code);
	put_name(values, nulls, 1, code / 10000 * 10000);
	put_name(values, nulls, 2, code % 10000 == 0 ? 0 : code / 100 * 100);
	values[3] = BoolGetDatum(!facts.withdrawn);
	values[4] = Int32GetDatum(facts.first_year);
	nulls[4] = facts.first_year == 0;
	values[5] = Int32GetDatum(facts.last_year);
	nulls[5] = facts.last_year == 0;
	values[6] = Int32GetDatum(facts.successor);
	nulls[6] = facts.successor == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(row), values, nulls)));
}

/* What a call of crm.division_lookup() still has to return. */
typedef struct Lookup
{
	int			count;
	int32_t		codes[LOOKUP_MAX];
} Lookup;

PG_FUNCTION_INFO_V1(crm_division_lookup_sql);
Datum
crm_division_lookup_sql(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	Lookup	   *lookup;

	if (SRF_IS_FIRSTCALL())
	{
		text	   *name = PG_GETARG_TEXT_PP(0);

		context = SRF_FIRSTCALL_INIT();
		lookup = MemoryContextAlloc(context->multi_call_memory_ctx, sizeof(Lookup));
		lookup->count = crm_division_lookup(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name),
											lookup->codes, LOOKUP_MAX);
		context->user_fctx = lookup;
	}
	context = SRF_PERCALL_SETUP();
	lookup = context->user_fctx;
	if (context->call_cntr < (uint64) lookup->count)
	{
		/* The macro moves the counter on before it evaluates its argument. */
		int32		code = lookup->codes[context->call_cntr];

		SRF_RETURN_NEXT(context, Int32GetDatum(code));
	}
	SRF_RETURN_DONE(context);
}

/* crm.unified_social_credit_code */

/* The one place that says what is wrong with a credit code. */
static char *
uscc_from_text(const char *text, size_t length, int sqlstate)
{
	CrmVerdict	verdict;
	char	   *code;

	if (!crm_ident_validate(CRM_KIND_USCC, text, length, &verdict))
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg("invalid input syntax for type %s", "crm.unified_social_credit_code"),
				 errdetail("%s", crm_reason_english(verdict.reason)),
				 errhint("A credit code has 18 characters, the last one a check character; crm.validate('uscc', value) tells more.")));
	code = palloc(USCC_LENGTH);
	memcpy(code, verdict.normalized, USCC_LENGTH);
	return code;
}

PG_FUNCTION_INFO_V1(crm_uscc_in);
Datum
crm_uscc_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);

	PG_RETURN_POINTER(uscc_from_text(text, strlen(text), ERRCODE_INVALID_TEXT_REPRESENTATION));
}

PG_FUNCTION_INFO_V1(crm_uscc_out);
Datum
crm_uscc_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pnstrdup(PG_GETARG_POINTER(0), USCC_LENGTH));
}

PG_FUNCTION_INFO_V1(crm_uscc_recv);
Datum
crm_uscc_recv(PG_FUNCTION_ARGS)
{
	const char *bytes = pq_getmsgbytes((StringInfo) PG_GETARG_POINTER(0), USCC_LENGTH);

	PG_RETURN_POINTER(uscc_from_text(bytes, USCC_LENGTH, ERRCODE_INVALID_BINARY_REPRESENTATION));
}

PG_FUNCTION_INFO_V1(crm_uscc_send);
Datum
crm_uscc_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, PG_GETARG_POINTER(0), USCC_LENGTH);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static int
uscc_compare(Datum a, Datum b)
{
	return memcmp(DatumGetPointer(a), DatumGetPointer(b), USCC_LENGTH);
}

#define COMPARISON(name, test) \
PG_FUNCTION_INFO_V1(name); \
Datum \
name(PG_FUNCTION_ARGS) \
{ \
	int			order = uscc_compare(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)); \
\
	PG_RETURN_BOOL(test); \
}

COMPARISON(crm_uscc_eq, order == 0)
COMPARISON(crm_uscc_ne, order != 0)
COMPARISON(crm_uscc_lt, order < 0)
COMPARISON(crm_uscc_le, order <= 0)
COMPARISON(crm_uscc_gt, order > 0)
COMPARISON(crm_uscc_ge, order >= 0)

PG_FUNCTION_INFO_V1(crm_uscc_cmp);
Datum
crm_uscc_cmp(PG_FUNCTION_ARGS)
{
	int			order = uscc_compare(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));

	PG_RETURN_INT32(order < 0 ? -1 : order > 0);
}

static int
uscc_sort_compare(Datum a, Datum b, SortSupport sort)
{
	return uscc_compare(a, b);
}

PG_FUNCTION_INFO_V1(crm_uscc_sortsupport);
Datum
crm_uscc_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport sort = (SortSupport) PG_GETARG_POINTER(0);

	sort->comparator = uscc_sort_compare;
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(crm_uscc_hash);
Datum
crm_uscc_hash(PG_FUNCTION_ARGS)
{
	return hash_any((unsigned char *) PG_GETARG_POINTER(0), USCC_LENGTH);
}

PG_FUNCTION_INFO_V1(crm_uscc_hash_extended);
Datum
crm_uscc_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((unsigned char *) PG_GETARG_POINTER(0), USCC_LENGTH, PG_GETARG_INT64(1));
}

/* The nine characters of GB 11714 inside. */
PG_FUNCTION_INFO_V1(crm_uscc_organization_code);
Datum
crm_uscc_organization_code(PG_FUNCTION_ARGS)
{
	char	   *code = PG_GETARG_POINTER(0);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(code + 8, 9));
}

/* The division of the registering office. */
PG_FUNCTION_INFO_V1(crm_uscc_division);
Datum
crm_uscc_division(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(crm_digits_value((char *) PG_GETARG_POINTER(0) + 2, 6));
}
