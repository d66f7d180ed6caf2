/*
 * points.c: type crm.points_ledger: input and output, arithmetic, comparison.
 */
#include "points.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

/* -- faults: each message in one place -------------------------------------------- */

static void
report_input(CrmLedgerFault fault, bool binary)
{
	if (fault == CRM_LEDGER_OVERFLOW)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("points out of range"),
				 errdetail("%s", crm_ledger_reason(fault)),
				 errhint("Count in a larger unit, or see which posting made so many points.")));
	if (fault == CRM_LEDGER_FULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many lots of points"),
				 errdetail("%s", crm_ledger_reason(fault)),
				 errhint("Give points fewer last days and classes, such as the end of the year; move many lots in several postings.")));
	ereport(ERROR,
			(errcode(binary ? ERRCODE_INVALID_BINARY_REPRESENTATION : ERRCODE_INVALID_TEXT_REPRESENTATION),
			 binary ? errmsg("invalid binary value for type %s", "crm.points_ledger") :
			 errmsg("invalid input syntax for type %s", "crm.points_ledger"),
			 errdetail("%s", crm_ledger_reason(fault)),
			 errhint("For example: {120@2027-12-31, 50:gift@never, hold 17: 40@2027-12-31}.")));
}

void
crm_points_check(CrmLedgerFault fault)
{
	if (unlikely(fault != CRM_LEDGER_OK))
		report_input(fault, false);
}

void
crm_points_check_fits(bool fits)
{
	crm_points_check(fits ? CRM_LEDGER_OK : CRM_LEDGER_OVERFLOW);
}

/* -- the datum ------------------------------------------------------------------------ */

void
crm_points_unpack(Datum datum, CrmLedger *ledger)
{
	struct varlena *value = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(datum));
	CrmLedgerFault fault = crm_ledger_decode((uint8 *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), ledger);

	if (unlikely(fault != CRM_LEDGER_OK))
		report_input(fault, true);
}

Datum
crm_points_pack(const CrmLedger *ledger)
{
	uint8		bytes[CRM_LEDGER_BYTES];
	size_t		length;
	struct varlena *value;

	crm_points_check(crm_ledger_encode(ledger, bytes, &length));
	value = palloc(VARHDRSZ + length);
	if (length + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
		SET_VARSIZE_SHORT(value, length + VARHDRSZ_SHORT);
	else
		SET_VARSIZE(value, length + VARHDRSZ);
	memcpy(VARDATA_ANY(value), bytes, length);
	return PointerGetDatum(value);
}

PG_FUNCTION_INFO_V1(crm_points_ledger_in);
Datum
crm_points_ledger_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	CrmLedger	ledger;

	crm_points_check(crm_ledger_parse(text, strlen(text), &ledger));
	PG_RETURN_DATUM(crm_points_pack(&ledger));
}

PG_FUNCTION_INFO_V1(crm_points_ledger_out);
Datum
crm_points_ledger_out(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	char	   *text;

	GETARG_LEDGER(0, &ledger);
	text = palloc(3 + CRM_LOT_TEXT * (size_t) ledger.count);
	crm_ledger_format(&ledger, text);
	PG_RETURN_CSTRING(text);
}

PG_FUNCTION_INFO_V1(crm_points_ledger_recv);
Datum
crm_points_ledger_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length = message->len - message->cursor;
	const char *bytes = pq_getmsgbytes(message, length);
	CrmLedger	ledger;
	CrmLedgerFault fault = crm_ledger_decode((const uint8 *) bytes, length, &ledger);

	if (fault != CRM_LEDGER_OK)
		report_input(fault, true);
	PG_RETURN_DATUM(crm_points_pack(&ledger));
}

PG_FUNCTION_INFO_V1(crm_points_ledger_send);
Datum
crm_points_ledger_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

/* -- arithmetic -------------------------------------------------------------------------- */

static Datum
combine(FunctionCallInfo fcinfo, int sign)
{
	CrmLedger	a;
	CrmLedger	b;
	CrmLedger	sum;

	GETARG_LEDGER(0, &a);
	GETARG_LEDGER(1, &b);
	crm_points_check(crm_ledger_combine(&sum, &a, &b, sign));
	return crm_points_pack(&sum);
}

PG_FUNCTION_INFO_V1(crm_points_ledger_add);
Datum
crm_points_ledger_add(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, 1);
}

PG_FUNCTION_INFO_V1(crm_points_ledger_subtract);
Datum
crm_points_ledger_subtract(PG_FUNCTION_ARGS)
{
	return combine(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(crm_points_ledger_negate);
Datum
crm_points_ledger_negate(PG_FUNCTION_ARGS)
{
	CrmLedger	none = {0};
	CrmLedger	ledger;
	CrmLedger	negative;

	GETARG_LEDGER(0, &ledger);
	crm_points_check(crm_ledger_combine(&negative, &none, &ledger, -1));
	PG_RETURN_DATUM(crm_points_pack(&negative));
}

PG_FUNCTION_INFO_V1(crm_points_ledger_covers);
Datum
crm_points_ledger_covers(PG_FUNCTION_ARGS)
{
	CrmLedger	a;
	CrmLedger	b;

	GETARG_LEDGER(0, &a);
	GETARG_LEDGER(1, &b);
	PG_RETURN_BOOL(crm_ledger_covers(&a, &b));
}

/* -- comparison: of the bytes, which are canonical; nothing here can fail --------------- */

static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_VARLENA_PP(0);
	struct varlena *b = PG_GETARG_VARLENA_PP(1);
	size_t		m = VARSIZE_ANY_EXHDR(a);
	size_t		n = VARSIZE_ANY_EXHDR(b);
	int			order = memcmp(VARDATA_ANY(a), VARDATA_ANY(b), Min(m, n));

	return order != 0 ? order : m < n ? -1 : m > n;
}

#define LEDGER_COMPARISON(name, operator) \
PG_FUNCTION_INFO_V1(crm_points_ledger_##name); \
Datum \
crm_points_ledger_##name(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_BOOL(compare(fcinfo) operator 0); \
} \
extern int	crm_needs_semicolon

LEDGER_COMPARISON(eq, ==);
LEDGER_COMPARISON(ne, !=);
LEDGER_COMPARISON(lt, <);
LEDGER_COMPARISON(le, <=);
LEDGER_COMPARISON(gt, >);
LEDGER_COMPARISON(ge, >=);

PG_FUNCTION_INFO_V1(crm_points_ledger_cmp);
Datum
crm_points_ledger_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

PG_FUNCTION_INFO_V1(crm_points_ledger_hash);
Datum
crm_points_ledger_hash(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

PG_FUNCTION_INFO_V1(crm_points_ledger_hash_extended);
Datum
crm_points_ledger_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *value = PG_GETARG_VARLENA_PP(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), PG_GETARG_INT64(1));
}
