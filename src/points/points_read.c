/*
 * points_read.c: questions to a points ledger, its lots as rows, and its sum.
 */
#include "points.h"

#include "funcapi.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(crm_points_available);
Datum
crm_points_available(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	int64		sum;

	GETARG_LEDGER(0, &ledger);
	crm_points_check_fits(crm_ledger_available(&ledger, PG_GETARG_DATEADT(1), &sum));
	PG_RETURN_INT64(sum);
}

PG_FUNCTION_INFO_V1(crm_points_expiring);
Datum
crm_points_expiring(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	int64		sum;

	GETARG_LEDGER(0, &ledger);
	crm_points_check_fits(crm_ledger_expiring(&ledger, PG_GETARG_DATEADT(1), &sum));
	PG_RETURN_INT64(sum);
}

PG_FUNCTION_INFO_V1(crm_points_held);
Datum
crm_points_held(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	int64		sum;

	GETARG_LEDGER(0, &ledger);
	crm_points_check_fits(crm_ledger_held(&ledger, &sum));
	PG_RETURN_INT64(sum);
}

PG_FUNCTION_INFO_V1(crm_points_debt);
Datum
crm_points_debt(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	int64		sum;

	GETARG_LEDGER(0, &ledger);
	crm_points_check_fits(crm_ledger_debt(&ledger, &sum));
	PG_RETURN_INT64(sum);
}

/* All lots together, whatever their hold; the debt counts against them. */
PG_FUNCTION_INFO_V1(crm_points_total);
Datum
crm_points_total(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	__int128	total = 0;

	GETARG_LEDGER(0, &ledger);
	for (int32 i = 0; i < ledger.count; i++)
		total += ledger.lot[i].amount;
	crm_points_check_fits(total == (int64) total);
	PG_RETURN_INT64((int64) total);
}

/* Whether an account can be in this state: no lot is negative but the debt. */
PG_FUNCTION_INFO_V1(crm_points_is_state);
Datum
crm_points_is_state(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;

	GETARG_LEDGER(0, &ledger);
	for (int32 i = 0; i < ledger.count; i++)
		if ((ledger.lot[i].amount < 0) != (ledger.lot[i].day == CRM_DAY_DEBT))
			PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(true);
}

PG_FUNCTION_INFO_V1(crm_points_next_expiry);
Datum
crm_points_next_expiry(PG_FUNCTION_ARGS)
{
	CrmLedger	ledger;
	int32		day;

	GETARG_LEDGER(0, &ledger);
	if (!crm_ledger_next_expiry(&ledger, &day))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(day);
}

PG_FUNCTION_INFO_V1(crm_points_lots);
Datum
crm_points_lots(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	CrmLedger	ledger;

	GETARG_LEDGER(0, &ledger);
	InitMaterializedSRF(fcinfo, 0);
	for (int32 i = 0; i < ledger.count; i++)
	{
		const CrmLot *lot = &ledger.lot[i];
		Datum		values[4] = {Int32GetDatum(lot->hold), DateADTGetDatum(lot->day),
			CStringGetTextDatum(lot->class), Int64GetDatum(lot->amount)};
		bool		nulls[4] = {false, false, false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * sum(): what passes through in any order may have more lots than a ledger holds, holds
 * that are opened before they are closed for instance, and more points than a lot.  So
 * the state is a sorted array that grows, of wide amounts; only the result must fit.
 */
typedef struct WideLot
{
	int128		amount;
	CrmLot		key;			/* its amount does not count */
} WideLot;

typedef struct Sum
{
	int64		rows;			/* in the frame; none gives null */
	size_t		count;
	size_t		room;
	WideLot    *lot;
	size_t		spare_room;
	WideLot    *spare;			/* merged into, then exchanged */
} Sum;

static Sum *
sum_state(FunctionCallInfo fcinfo, int argument)
{
	MemoryContext context;

	if (!PG_ARGISNULL(argument))
		return (Sum *) PG_GETARG_POINTER(argument);
	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a part of crm.sum(crm.points_ledger) was called by itself")));
	return MemoryContextAllocZero(context, sizeof(Sum));
}

/* a + sign * b, merged; what comes to nothing is left out. */
static size_t
wide_combine(WideLot *sum, const WideLot *a, size_t a_count, const WideLot *b, size_t b_count, int sign)
{
	size_t		i = 0;
	size_t		j = 0;
	size_t		n = 0;

	while (i < a_count || j < b_count)
	{
		int			order = i == a_count ? 1 : j == b_count ? -1 : crm_lot_order(&a[i].key, &b[j].key);
		WideLot		lot = order <= 0 ? a[i++] : b[j];

		if (order > 0)
			lot.amount = 0;
		if (order >= 0)
			lot.amount += sign * b[j++].amount;
		if (lot.amount != 0)
			sum[n++] = lot;
	}
	return n;
}

static void
sum_add(FunctionCallInfo fcinfo, Sum *sum, const WideLot *lot, size_t count, int sign)
{
	size_t		room = sum->count + count;
	WideLot    *merged;
	MemoryContext context;

	AggCheckCallContext(fcinfo, &context);
	if (room > sum->spare_room)
	{
		sum->spare_room = room * 2;
		if (sum->spare != NULL)
			pfree(sum->spare);
		sum->spare = MemoryContextAllocHuge(context, sum->spare_room * sizeof(WideLot));
	}
	sum->count = wide_combine(sum->spare, sum->lot, sum->count, lot, count, sign);
	merged = sum->spare;
	sum->spare = sum->lot;
	sum->lot = merged;
	room = sum->room;
	sum->room = sum->spare_room;
	sum->spare_room = room;
}

static Datum
sum_step(FunctionCallInfo fcinfo, int sign)
{
	Sum		   *sum = sum_state(fcinfo, 0);
	CrmLedger	ledger;

	if (!PG_ARGISNULL(1))
	{
		WideLot		wide[CRM_LEDGER_LOTS];

		GETARG_LEDGER(1, &ledger);
		for (int32 i = 0; i < ledger.count; i++)
			wide[i] = (WideLot) {ledger.lot[i].amount, ledger.lot[i]};
		sum_add(fcinfo, sum, wide, ledger.count, sign);
		sum->rows += sign;
	}
	PG_RETURN_POINTER(sum);
}

PG_FUNCTION_INFO_V1(crm_points_sum_step);
Datum
crm_points_sum_step(PG_FUNCTION_ARGS)
{
	return sum_step(fcinfo, 1);
}

PG_FUNCTION_INFO_V1(crm_points_sum_back);
Datum
crm_points_sum_back(PG_FUNCTION_ARGS)
{
	return sum_step(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(crm_points_sum_combine);
Datum
crm_points_sum_combine(PG_FUNCTION_ARGS)
{
	Sum		   *sum = sum_state(fcinfo, 0);

	if (!PG_ARGISNULL(1))
	{
		Sum		   *other = (Sum *) PG_GETARG_POINTER(1);

		sum_add(fcinfo, sum, other->lot, other->count, 1);
		sum->rows += other->rows;
	}
	PG_RETURN_POINTER(sum);
}

/* Between processes of one server, so the lots go as they are. */
PG_FUNCTION_INFO_V1(crm_points_sum_serialize);
Datum
crm_points_sum_serialize(PG_FUNCTION_ARGS)
{
	Sum		   *sum = sum_state(fcinfo, 0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint64(&buf, sum->rows);
	if (sum->count > 0)
		pq_sendbytes(&buf, (char *) sum->lot, sum->count * sizeof(WideLot));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

PG_FUNCTION_INFO_V1(crm_points_sum_deserialize);
Datum
crm_points_sum_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	StringInfoData buf;
	Sum		   *sum = palloc0(sizeof(Sum));

	if (!AggCheckCallContext(fcinfo, NULL))
		sum = sum_state(fcinfo, 1); /* raises */
	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	sum->rows = pq_getmsgint64(&buf);
	sum->count = sum->room = (buf.len - buf.cursor) / sizeof(WideLot);
	sum->lot = palloc(Max(sum->room, 1) * sizeof(WideLot));
	memcpy(sum->lot, buf.data + buf.cursor, sum->count * sizeof(WideLot));
	PG_RETURN_POINTER(sum);
}

PG_FUNCTION_INFO_V1(crm_points_sum_final);
Datum
crm_points_sum_final(PG_FUNCTION_ARGS)
{
	Sum		   *sum = sum_state(fcinfo, 0);
	CrmLedger	ledger;

	if (sum->rows == 0)
		PG_RETURN_NULL();
	if (sum->count > CRM_LEDGER_LOTS)
		crm_points_check(CRM_LEDGER_FULL);
	ledger.count = sum->count;
	for (int32 i = 0; i < ledger.count; i++)
	{
		crm_points_check_fits(sum->lot[i].amount == (int64) sum->lot[i].amount);
		ledger.lot[i] = sum->lot[i].key;
		ledger.lot[i].amount = (int64) sum->lot[i].amount;
	}
	PG_RETURN_DATUM(crm_points_pack(&ledger));
}
