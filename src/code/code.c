/*
 * code.c: type crm.customer_code.
 *
 * The value is a plain int64, so sort support and the BRIN distance are the
 * server's own functions for bigint (code.sql); comparison stands in code_op.c.
 */
#include "crm.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/date.h"

#include "code.h"

/*
 * The one place that says a text is no code.  The text is not echoed: whoever
 * mixes up two columns would print somebody's phone number.
 */
static int64
code_from_text(const char *text)
{
	int64		code;
	CrmCodeFault fault = crm_code_parse(text, strlen(text), &code);

	if (fault != CRM_CODE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s", "crm.customer_code"),
				 errdetail("%s", crm_code_reason(fault)),
				 errhint("A customer code reads like CUST202603040001: letters, yyyymmdd, serial.")));
	return code;
}

static int64
code_from_bits(int64 bits)
{
	CrmCodeFault fault = crm_code_check(bits);

	if (fault != CRM_CODE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid binary value for type %s", "crm.customer_code"),
				 errdetail("%s", crm_code_reason(fault)),
				 errhint("Send what the server sent, or send text.")));
	return bits;
}

static int64
code_from_parts(DateADT day, int32 serial, const text *scheme)
{
	int64		code;
	CrmCodeFault fault = crm_code_make(day, serial, VARDATA_ANY(scheme), VARSIZE_ANY_EXHDR(scheme), &code);

	if (fault != CRM_CODE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no customer code has these parts"),
				 errdetail("%s", crm_code_reason(fault))));
	return code;
}

PG_FUNCTION_INFO_V1(crm_customer_code_in);
Datum
crm_customer_code_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(code_from_text(PG_GETARG_CSTRING(0)));
}

PG_FUNCTION_INFO_V1(crm_customer_code_out);
Datum
crm_customer_code_out(PG_FUNCTION_ARGS)
{
	char	   *text = palloc(CRM_CODE_TEXT_MAX + 1);

	crm_code_format(PG_GETARG_INT64(0), text);
	PG_RETURN_CSTRING(text);
}

PG_FUNCTION_INFO_V1(crm_customer_code_recv);
Datum
crm_customer_code_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(code_from_bits(pq_getmsgint64((StringInfo) PG_GETARG_POINTER(0))));
}

PG_FUNCTION_INFO_V1(crm_customer_code_send);
Datum
crm_customer_code_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, PG_GETARG_INT64(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * Not hashint8: it folds the halves with XOR, so that the day's low bits fall on
 * the serial's high ones and codes of neighbouring days collide by the thousand.
 */
PG_FUNCTION_INFO_V1(crm_customer_code_hash);
Datum
crm_customer_code_hash(PG_FUNCTION_ARGS)
{
	int64		code = PG_GETARG_INT64(0);

	return hash_any((unsigned char *) &code, sizeof(code));
}

PG_FUNCTION_INFO_V1(crm_customer_code_hash_extended);
Datum
crm_customer_code_hash_extended(PG_FUNCTION_ARGS)
{
	int64		code = PG_GETARG_INT64(0);

	return hash_any_extended((unsigned char *) &code, sizeof(code), PG_GETARG_INT64(1));
}

PG_FUNCTION_INFO_V1(crm_customer_code_make);
Datum
crm_customer_code_make(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(code_from_parts(PG_GETARG_DATEADT(0), PG_GETARG_INT32(1), PG_GETARG_TEXT_PP(2)));
}

PG_FUNCTION_INFO_V1(crm_customer_code_valid);
Datum
crm_customer_code_valid(PG_FUNCTION_ARGS)
{
	text	   *input = PG_GETARG_TEXT_PP(0);
	int64		code;

	PG_RETURN_BOOL(crm_code_parse(VARDATA_ANY(input), VARSIZE_ANY_EXHDR(input), &code) == CRM_CODE_OK);
}

PG_FUNCTION_INFO_V1(crm_customer_code_day);
Datum
crm_customer_code_day(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(crm_code_day(PG_GETARG_INT64(0)));
}

PG_FUNCTION_INFO_V1(crm_customer_code_serial);
Datum
crm_customer_code_serial(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(crm_code_serial(PG_GETARG_INT64(0)));
}

PG_FUNCTION_INFO_V1(crm_customer_code_scheme);
Datum
crm_customer_code_scheme(PG_FUNCTION_ARGS)
{
	char		scheme[CRM_CODE_SCHEME_MAX + 1];
	size_t		length = crm_code_scheme(PG_GETARG_INT64(0), scheme);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(scheme, length));
}
