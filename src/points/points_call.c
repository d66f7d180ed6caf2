/*
 * points_call.c: what SQL calls to post: arguments become requests, answers become rows.
 */
#include "points_post.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

static void
answer_values(const Answer *answer, Datum values[5], bool nulls[5])
{
	values[0] = CStringGetTextDatum(crm_points_status_name[answer->status]);
	values[1] = Int64GetDatum(answer->available);
	values[2] = Int64GetDatum(answer->held);
	values[3] = Int64GetDatum(answer->debt);
	values[4] = answer->breakdown;
	memset(nulls, 0, 5 * sizeof(bool));
	nulls[4] = DatumGetPointer(answer->breakdown) == NULL;
}

static Datum
answer_row(const Answer *answer)
{
	Datum		values[5];
	bool		nulls[5];
	TupleDesc	desc = lookup_rowtype_tupdesc(crm_points_types()->answer, -1);
	HeapTuple	tuple;

	answer_values(answer, values, nulls);
	tuple = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	return HeapTupleGetDatum(tuple);
}

/* One posting: which argument is which part of the request. */
static Datum
post_single(FunctionCallInfo fcinfo, CrmPointsKind kind, const Part *order)
{
	Datum		part[PARTS] = {0};
	bool		isnull[PARTS];
	Request		request;
	Answer		answer;

	memset(isnull, true, sizeof(isnull));
	for (int i = 0; i < PG_NARGS(); i++)
	{
		part[order[i]] = PG_GETARG_DATUM(i);
		isnull[order[i]] = PG_ARGISNULL(i);
	}
	part[PART_OP] = CStringGetTextDatum(crm_points_kind_name[kind]);
	isnull[PART_OP] = false;
	crm_points_read_request(part, isnull, &request);
	crm_points_run_requests(&request, 1, &answer, true);
	return answer_row(&answer);
}

#define ACCOUNT_PARTS PART_CUSTOMER, PART_PROGRAMME, PART_REQUEST_ID

static const Part credit_order[] = {ACCOUNT_PARTS, PART_AMOUNT, PART_EXPIRES_ON, PART_CLASS, PART_BUSINESS_DATE};
static const Part adjust_order[] = {ACCOUNT_PARTS, PART_AMOUNT, PART_EXPIRES_ON, PART_CLASS, PART_BUSINESS_DATE, PART_REASON};
static const Part debit_order[] = {ACCOUNT_PARTS, PART_AMOUNT, PART_BUSINESS_DATE};
static const Part freeze_order[] = {ACCOUNT_PARTS, PART_AMOUNT, PART_BUSINESS_DATE, PART_REASON};
static const Part ref_order[] = {ACCOUNT_PARTS, PART_REF, PART_AMOUNT, PART_BUSINESS_DATE};
static const Part unfreeze_order[] = {ACCOUNT_PARTS, PART_REF, PART_AMOUNT, PART_BUSINESS_DATE, PART_REASON};
static const Part lock_order[] = {ACCOUNT_PARTS, PART_BUSINESS_DATE, PART_REASON};
static const Part transfer_order[] = {PART_CUSTOMER, PART_CUSTOMER2, PART_PROGRAMME, PART_REQUEST_ID, PART_AMOUNT, PART_BUSINESS_DATE};

#define POSTING(name, kind, order) \
PG_FUNCTION_INFO_V1(crm_points_##name##_sql); \
Datum \
crm_points_##name##_sql(PG_FUNCTION_ARGS) \
{ \
	return post_single(fcinfo, kind, order); \
} \
extern int	crm_needs_semicolon

POSTING(earn, CRM_POINTS_EARN, credit_order);
POSTING(gift, CRM_POINTS_GIFT, credit_order);
POSTING(adjust, CRM_POINTS_ADJUST, adjust_order);
POSTING(redeem, CRM_POINTS_REDEEM, debit_order);
POSTING(freeze, CRM_POINTS_FREEZE, freeze_order);
POSTING(unfreeze, CRM_POINTS_UNFREEZE, unfreeze_order);
POSTING(capture, CRM_POINTS_CAPTURE, ref_order);
POSTING(transfer, CRM_POINTS_TRANSFER, transfer_order);
POSTING(lock, CRM_POINTS_LOCK, lock_order);
POSTING(unlock, CRM_POINTS_UNLOCK, lock_order);

/* Arguments: customer, programme, transfer, fee, business date.  The law knows no fee: it is an adjustment. */
PG_FUNCTION_INFO_V1(crm_points_take_fee);
Datum
crm_points_take_fee(PG_FUNCTION_ARGS)
{
	char	   *transfer = text_to_cstring(PG_GETARG_TEXT_PP(2));
	Request		r = {.customer = PG_GETARG_INT64(0), .programme = crm_points_checked_programme(PG_GETARG_TEXT_PP(1)),
		.request_id = psprintf("~fee %s", transfer), .ref = transfer,
		.op = {.kind = CRM_POINTS_ADJUST, .has_amount = true, .amount = -PG_GETARG_INT64(3),
		.business_date = crm_points_checked_day(PG_GETARG_DATEADT(4), false)}};
	Answer		answer;

	crm_points_run_requests(&r, 1, &answer, true);
	return answer_row(&answer);
}

static bool
ref_is_credit(int64 customer, const char *ref)
{
	CrmJournal	found;
	CrmStore	store;
	bool		is_credit;

	crm_store_open(&store, 0);
	is_credit = crm_store_find(&store, customer, ref, &found) && crm_points_is_credit(found.kind, found.amount);
	crm_store_close(&store);
	return is_credit;
}

/* What is referred to decides: a credit is taken back, all else given back. */
PG_FUNCTION_INFO_V1(crm_points_reverse_sql);
Datum
crm_points_reverse_sql(PG_FUNCTION_ARGS)
{
	bool		is_credit = !PG_ARGISNULL(0) && !PG_ARGISNULL(3) &&
		ref_is_credit(PG_GETARG_INT64(0), text_to_cstring(PG_GETARG_TEXT_PP(3)));

	return post_single(fcinfo, is_credit ? CRM_POINTS_REVERSE_EARN : CRM_POINTS_REVERSE_REDEEM, ref_order);
}

PG_FUNCTION_INFO_V1(crm_points_post_batch);
Datum
crm_points_post_batch(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *elements;
	bool	   *missing;
	int			count;
	Request    *requests;
	Answer	   *answers;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE, &elements, &missing, &count);
	requests = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Request) * Max(count, 1));
	answers = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Answer) * Max(count, 1));
	crm_points_read_rows(elements, missing, count, requests);
	if (count > 0)
		crm_points_run_requests(requests, count, answers, false);
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Datum		values[6] = {CStringGetTextDatum(requests[i].request_id)};
		bool		nulls[6] = {false};

		answer_values(&answers[i], values + 1, nulls + 1);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Post what is past its day, of one account; false when nothing was. */
PG_FUNCTION_INFO_V1(crm_points_expire_account);
Datum
crm_points_expire_account(PG_FUNCTION_ARGS)
{
	Request		r = {.customer = PG_GETARG_INT64(0), .programme = crm_points_checked_programme(PG_GETARG_TEXT_PP(1)),
		.op = {.business_date = crm_points_checked_day(PG_GETARG_DATEADT(2), false)}};

	PG_RETURN_BOOL(crm_points_run_expiry(&r));
}

/* Nobody opens an account of the customer in these programmes until the transaction ends. */
PG_FUNCTION_INFO_V1(crm_points_hold_openings);
Datum
crm_points_hold_openings(PG_FUNCTION_ARGS)
{
	CrmStore	store = {.below_sql = false};
	bool		wanted[CRM_STRIPES] = {false};
	Datum	   *names;
	int			count;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		CrmAccount	account = {.customer = PG_GETARG_INT64(0), .programme = crm_store_programme(TextDatumGetCString(names[i]))};

		wanted[crm_store_stripe(&account)] = true;
	}
	crm_points_lock_stripes(&store, wanted);
	PG_RETURN_VOID();
}

/* Arguments: customer, programme, request id, kind, change, other customer, ref, business date. */
PG_FUNCTION_INFO_V1(crm_points_shift_sql);
Datum
crm_points_shift_sql(PG_FUNCTION_ARGS)
{
	Request		r = {.customer = PG_GETARG_INT64(0), .programme = crm_points_checked_programme(PG_GETARG_TEXT_PP(1)),
		.request_id = text_to_cstring(PG_GETARG_TEXT_PP(2)), .ref = text_to_cstring(PG_GETARG_TEXT_PP(6)),
		.op = {.business_date = crm_points_checked_day(PG_GETARG_DATEADT(7), false)}};
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(3));
	CrmPointsKind kind = strcmp(name, "merge") == 0 ? CRM_POINTS_MERGE : strcmp(name, "void") == 0 ? CRM_POINTS_VOID : CRM_POINTS_FREEZE;
	CrmLedger	change;

	GETARG_LEDGER(4, &change);
	PG_RETURN_INT64(crm_points_run_shift(&r, kind, &change, PG_GETARG_INT64(5)));
}
