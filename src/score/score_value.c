/*
 * score_value.c: purchases to expect and what they are worth: BG/NBD, gamma-gamma, lifetime value.
 */
#include "score/score_fit.h"

#include <limits.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"
#include "score/score_bgnbd_core.h"

/* -- customers with the same history are kept once, with a weight ---------------------------- */

typedef struct HistoryEntry
{
	CrmHistory	history;
	uint32		hash;
	char		status;
} HistoryEntry;

static uint32
hash_history(const CrmHistory *h)
{
	uint64		bits[3];
	uint64		mixed = 0;

	memcpy(bits, h, sizeof(bits));
	for (int i = 0; i < 3; i++)
	{
		mixed = (mixed ^ bits[i]) * UINT64CONST(0x9E3779B97F4A7C15);
		mixed ^= mixed >> 32;
	}
	return (uint32) mixed;
}

static bool
same_history(const CrmHistory *a, const CrmHistory *b)
{
	return a->x == b->x && a->t_x == b->t_x && a->t == b->t;
}

/* simplehash.h wants the key as a field. */
#define SH_PREFIX crm_histories
#define SH_ELEMENT_TYPE HistoryEntry
#define SH_KEY_TYPE CrmHistory
#define SH_KEY history
#define SH_HASH_KEY(table, key) hash_history(&(key))
#define SH_EQUAL(table, a, b) same_history(&(a), &(b))
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct ValueState
{
	crm_histories_hash *table;
	int64		customers;
} ValueState;

static ValueState *
value_begin(MemoryContext context)
{
	ValueState *state = MemoryContextAllocZero(context, sizeof(ValueState));

	state->table = crm_histories_create(context, 256, NULL);
	return state;
}

static void
value_add(ValueState *state, CrmHistory h)
{
	bool		found;
	HistoryEntry *entry;

	/* -0 and 0 have different bits. */
	h.x += 0.0;
	h.t_x += 0.0;
	h.t += 0.0;
	entry = crm_histories_insert(state->table, h, &found);
	if (found)
		entry->history.weight += h.weight;
	else
	{
		/* What was inserted has the weight in it. */
		crm_score_room((Size) state->table->size * sizeof(HistoryEntry) + (Size) state->table->members * sizeof(CrmHistory));
	}
}

static void
refuse_history(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("not the history of a customer"),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
check_count(double x)
{
	if (!(x >= 0 && x <= 1e6 && x == floor(x)))
		refuse_history("The number of repeat purchases is a whole number from 0 to 1000000.",
					   "x counts purchases after the first, t_x is the time from the first to the last, t that from the first to the end.");
}

static void
check_history(double x, double t_x, double t)
{
	check_count(x);
	if (!(t_x >= 0 && t_x <= t && isfinite(t) && (x > 0 || t_x == 0)))
		refuse_history("The last purchase lies between the first and the end of the time watched; without a repeat purchase t_x is 0.",
					   "Measure t_x and t in the same unit, from the customer's first purchase.");
}

static double
weight_of(FunctionCallInfo fcinfo, int argument)
{
	double		weight = PG_NARGS() > argument ? PG_GETARG_FLOAT8(argument) : 1;

	if (!(weight >= 0 && isfinite(weight)))
		refuse_history("A weight is a finite number, not below 0.", "Count each customer as 1, or leave the weight out.");
	return weight;
}

static bool
any_null(FunctionCallInfo fcinfo)
{
	for (int i = 1; i < PG_NARGS(); i++)
		if (PG_ARGISNULL(i))
			return true;
	return false;
}

PG_FUNCTION_INFO_V1(crm_bgnbd_fit_step);
Datum
crm_bgnbd_fit_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	ValueState *state = PG_ARGISNULL(0) ? value_begin(context) : (ValueState *) PG_GETARG_POINTER(0);
	CrmHistory	h;

	if (any_null(fcinfo))
		PG_RETURN_POINTER(state);
	h = (CrmHistory) {PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3), weight_of(fcinfo, 4)};
	check_history(h.x, h.t_x, h.t);
	if (h.weight > 0)
		value_add(state, h);
	PG_RETURN_POINTER(state);
}

/* Customers without a repeat purchase say nothing of the value of one. */
PG_FUNCTION_INFO_V1(crm_gamma_gamma_fit_step);
Datum
crm_gamma_gamma_fit_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	ValueState *state = PG_ARGISNULL(0) ? value_begin(context) : (ValueState *) PG_GETARG_POINTER(0);
	CrmHistory	h;

	if (any_null(fcinfo))
		PG_RETURN_POINTER(state);
	h = (CrmHistory) {PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), 0, weight_of(fcinfo, 3)};
	check_count(h.x);
	if (h.x == 0 || h.weight == 0)
		PG_RETURN_POINTER(state);
	if (!(h.t_x > 0 && isfinite(h.t_x)))
		refuse_history("The mean value of a purchase is above 0.", "Leave customers out whose returns exceed what they bought: FILTER (WHERE mean_value > 0).");
	value_add(state, h);
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_value_combine);
Datum
crm_value_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	ValueState *state = PG_ARGISNULL(0) ? value_begin(context) : (ValueState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		crm_histories_hash *other = ((ValueState *) PG_GETARG_POINTER(1))->table;
		crm_histories_iterator i;
		HistoryEntry *entry;

		crm_histories_start_iterate(other, &i);
		while ((entry = crm_histories_iterate(other, &i)) != NULL)
			value_add(state, entry->history);
	}
	PG_RETURN_POINTER(state);
}

static CrmHistory *
value_histories(ValueState *state)
{
	CrmHistory *all = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CrmHistory) * Max(state->table->members, 1));
	crm_histories_iterator i;
	HistoryEntry *entry;
	Size		n = 0;

	crm_histories_start_iterate(state->table, &i);
	while ((entry = crm_histories_iterate(state->table, &i)) != NULL)
		all[n++] = entry->history;
	return all;
}

/* Counts up to here are sorted by counting; few customers have more purchases. */
#define COUNTED 4096
/* So few are sorted wholly: sums then do not depend on the order of the rows at all. */
#define SORTED_WHOLLY 20000

/* The same in order of x, which is all that a fit needs: sorting them wholly would be a third of its time. */
static CrmHistory *
histories_by_count(ValueState *state)
{
	CrmHistory *all;
	Size		start[COUNTED] = {0};
	Size		sum = 0;
	crm_histories_iterator i;
	HistoryEntry *entry;
	bool		counted = state->table->members > SORTED_WHOLLY;

	crm_histories_start_iterate(state->table, &i);
	while (counted && (entry = crm_histories_iterate(state->table, &i)) != NULL)
	{
		counted = entry->history.x < COUNTED;
		if (counted)
			start[(int) entry->history.x]++;
	}
	if (!counted)
	{
		all = value_histories(state);
		qsort(all, state->table->members, sizeof(CrmHistory), crm_history_order);
		return all;
	}
	for (int x = 0; x < COUNTED; x++)
	{
		Size		count = start[x];

		start[x] = sum;
		sum += count;
	}
	all = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CrmHistory) * sum);
	crm_histories_start_iterate(state->table, &i);
	while ((entry = crm_histories_iterate(state->table, &i)) != NULL)
		all[start[(int) entry->history.x]++] = entry->history;
	return all;
}

PG_FUNCTION_INFO_V1(crm_value_serialize);
Datum
crm_value_serialize(PG_FUNCTION_ARGS)
{
	ValueState *state = (ValueState *) PG_GETARG_POINTER(0);
	Size		bytes = sizeof(CrmHistory) * state->table->members;
	CrmHistory *all = value_histories(state);
	bytea	   *result;

	if (bytes > MaxAllocSize - VARHDRSZ)
		crm_score_room((Size) INT_MAX * 1024 + bytes);
	result = palloc(VARHDRSZ + bytes);
	SET_VARSIZE(result, VARHDRSZ + bytes);
	memcpy(VARDATA(result), all, bytes);
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(crm_value_deserialize);
Datum
crm_value_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	ValueState *state;

	crm_score_context(fcinfo);
	state = value_begin(CurrentMemoryContext);
	for (Size at = 0; at + sizeof(CrmHistory) <= VARSIZE_ANY_EXHDR(value); at += sizeof(CrmHistory))
	{
		CrmHistory	h;

		memcpy(&h, VARDATA_ANY(value) + at, sizeof(h));
		value_add(state, h);
	}
	PG_RETURN_POINTER(state);
}

static void
refuse_fit(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("customers do not determine the model"),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static Datum
fit(FunctionCallInfo fcinfo, int parameters, bool (*fitter) (const CrmHistories *, CrmMaximum *),
	bool (*determined) (const CrmHistory *, Size))
{
	ValueState *state = PG_ARGISNULL(0) ? NULL : (ValueState *) PG_GETARG_POINTER(0);
	CrmHistories data;
	CrmHistory *all;
	CrmMaximum	maximum;
	Datum		values[CRM_MAXIMIZE_PARAMETERS + 3];
	bool		nulls[CRM_MAXIMIZE_PARAMETERS + 3] = {0};

	crm_score_context(fcinfo);
	if (state == NULL || state->table->members == 0)
		PG_RETURN_NULL();
	all = histories_by_count(state);
	data = (CrmHistories) {all, state->table->members, 1, crm_score_interrupt};
	if (!determined(all, data.count))
		refuse_fit("All customers have the same history, or none has what the model is about.",
				   "Give the customers of a whole cohort, with and without repeat purchases.");
	fitter(&data, &maximum);
	for (int i = 0; i < parameters; i++)
		values[i] = Float8GetDatum(exp(maximum.theta[i]));
	values[parameters] = Float8GetDatum(maximum.value);
	values[parameters + 1] = Int32GetDatum(maximum.iterations);
	values[parameters + 2] = BoolGetDatum(maximum.converged);
	return crm_score_tuple(fcinfo, values, nulls);
}

static bool
has_repeats(const CrmHistory *all, Size n)
{
	return n > 1 && all[n - 1].x > 0 && all[n - 1].t > 0;
}

static bool
has_values(const CrmHistory *all, Size n)
{
	return n > 1;
}

PG_FUNCTION_INFO_V1(crm_bgnbd_fit_final);
Datum
crm_bgnbd_fit_final(PG_FUNCTION_ARGS)
{
	return fit(fcinfo, 4, crm_bgnbd_fit, has_repeats);
}

PG_FUNCTION_INFO_V1(crm_gamma_gamma_fit_final);
Datum
crm_gamma_gamma_fit_final(PG_FUNCTION_ARGS)
{
	return fit(fcinfo, 3, crm_gamma_gamma_fit, has_values);
}

/* -- what follows from a model ------------------------------------------------------------------- */

static double
parameter(FunctionCallInfo fcinfo, int argument)
{
	double		value = PG_GETARG_FLOAT8(argument);

	if (!(value > 0 && isfinite(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a parameter of a purchase model must be above 0"),
				 errdetail("Argument %d is not.", argument + 1),
				 errhint("Take r, alpha, a, b from bgnbd_fit, and p, q, v from gamma_gamma_fit.")));
	return value;
}

static CrmBgnbd
bgnbd_argument(FunctionCallInfo fcinfo, int first)
{
	return (CrmBgnbd) {parameter(fcinfo, first), parameter(fcinfo, first + 1), parameter(fcinfo, first + 2), parameter(fcinfo, first + 3)};
}

static void
check_horizon(CrmBgnbd m, double t, double horizon)
{
	if (!(horizon >= 0 && horizon <= 1e4 * (m.alpha + t)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time to look ahead out of range"),
				 errdetail("It is from 0 to 10000 times alpha + t."),
				 errhint("Measure it in the unit of t.")));
}

PG_FUNCTION_INFO_V1(crm_bgnbd_p_alive_sql);
Datum
crm_bgnbd_p_alive_sql(PG_FUNCTION_ARGS)
{
	check_history(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2));
	PG_RETURN_FLOAT8(crm_bgnbd_p_alive(bgnbd_argument(fcinfo, 3), PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)));
}

PG_FUNCTION_INFO_V1(crm_bgnbd_expected_transactions);
Datum
crm_bgnbd_expected_transactions(PG_FUNCTION_ARGS)
{
	CrmBgnbd	m = bgnbd_argument(fcinfo, 4);

	check_history(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2));
	check_horizon(m, PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3));
	PG_RETURN_FLOAT8(crm_bgnbd_expected(m, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)));
}

PG_FUNCTION_INFO_V1(crm_bgnbd_expected_new);
Datum
crm_bgnbd_expected_new(PG_FUNCTION_ARGS)
{
	CrmBgnbd	m = bgnbd_argument(fcinfo, 1);

	check_horizon(m, 0, PG_GETARG_FLOAT8(0));
	PG_RETURN_FLOAT8(crm_bgnbd_expected(m, 0, 0, 0, PG_GETARG_FLOAT8(0)));
}

static double
expected_value(FunctionCallInfo fcinfo, double x, double mean_value, int first)
{
	CrmGammaGamma m = {parameter(fcinfo, first), parameter(fcinfo, first + 1), parameter(fcinfo, first + 2)};
	double		value;

	check_count(x);
	if (!(mean_value >= 0 && isfinite(mean_value)))
		refuse_history("The mean value of purchases is a finite number, not below 0.", "For a customer without repeat purchases give 0.");
	value = crm_gamma_gamma_expected(m, x, mean_value);
	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the model has no mean value for this customer"),
				 errdetail("p x + q is at most 1."),
				 errhint("Fit the model on more customers; q above 1 gives every customer a mean.")));
	return value;
}

PG_FUNCTION_INFO_V1(crm_gamma_gamma_expected_value);
Datum
crm_gamma_gamma_expected_value(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(expected_value(fcinfo, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), 2));
}

/*
 * Sum over the periods to come of purchases expected in each, times value and margin,
 * discounted from the end of the period.
 * x, t_x, t, mean_value, periods, period_length, discount_rate, margin, r, alpha, a, b, p, q, v
 */
PG_FUNCTION_INFO_V1(crm_customer_lifetime_value);
Datum
crm_customer_lifetime_value(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	double		t_x = PG_GETARG_FLOAT8(1);
	double		t = PG_GETARG_FLOAT8(2);
	int			periods = PG_GETARG_INT32(4);
	double		length = PG_GETARG_FLOAT8(5);
	double		rate = PG_GETARG_FLOAT8(6);
	double		margin = crm_score_finite(PG_GETARG_FLOAT8(7), "margin");
	CrmBgnbd	m = bgnbd_argument(fcinfo, 8);
	double		value = expected_value(fcinfo, x, PG_GETARG_FLOAT8(3), 12);
	double		before = 0;
	double		sum = 0;

	check_history(x, t_x, t);
	check_horizon(m, t, periods * length);
	if (!(periods >= 0 && periods <= 10000 && length > 0 && rate > -1 && isfinite(rate)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("periods or discount rate out of range"),
				 errdetail("From 0 to 10000 periods, a length above 0, a rate above -1 for each period."),
				 errhint("For example 12 periods of 30.4375 days at 0.01.")));
	for (int i = 1; i <= periods; i++)
	{
		double		until = crm_bgnbd_expected(m, x, t_x, t, i * length);

		sum += (until - before) / pow(1 + rate, i);
		before = until;
	}
	PG_RETURN_FLOAT8(sum * value * margin);
}
