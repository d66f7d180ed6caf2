/*
 * code_op.c: comparison of customer codes.
 *
 * The server's functions for bigint would do, but a function of LANGUAGE
 * internal is found by name each time a plan starts, one of three thousand: a
 * tenth of a bulk import went into these searches.  A C function is found by
 * its number.
 */
#include "crm.h"

#define CODE_COMPARISON(name, operator) \
PG_FUNCTION_INFO_V1(crm_customer_code_##name); \
Datum \
crm_customer_code_##name(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_BOOL(PG_GETARG_INT64(0) operator PG_GETARG_INT64(1)); \
} \
extern int	crm_needs_semicolon

CODE_COMPARISON(eq, ==);
CODE_COMPARISON(ne, !=);
CODE_COMPARISON(lt, <);
CODE_COMPARISON(le, <=);
CODE_COMPARISON(gt, >);
CODE_COMPARISON(ge, >=);

PG_FUNCTION_INFO_V1(crm_customer_code_cmp);
Datum
crm_customer_code_cmp(PG_FUNCTION_ARGS)
{
	int64		a = PG_GETARG_INT64(0);
	int64		b = PG_GETARG_INT64(1);

	PG_RETURN_INT32(a > b ? 1 : a < b ? -1 : 0);
}

PG_FUNCTION_INFO_V1(crm_customer_code_larger);
Datum
crm_customer_code_larger(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Max(PG_GETARG_INT64(0), PG_GETARG_INT64(1)));
}

PG_FUNCTION_INFO_V1(crm_customer_code_smaller);
Datum
crm_customer_code_smaller(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(Min(PG_GETARG_INT64(0), PG_GETARG_INT64(1)));
}
