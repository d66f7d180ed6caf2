/*
 * score_bin.c: woe_bins: optimal bins of a number or of a category, with their weight of evidence.
 */
#include "score/score_stat.h"

#include <math.h>

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "compat.h"
#include "score/score_stat_core.h"

/* -- options: taken from the first row, the same in all ---------------------------------------- */

static void
refuse_options(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("bins cannot be made so"),
			 errdetail("%s", detail),
			 errhint("For example trend auto, 6 bins, a least share of 0.05, and an empty array of special values.")));
}

static void
set_options(CrmWoeOptions *options, const char *trend, int bins, double share, ArrayType *special)
{
	const double *value = NULL;

	options->is_set = 1;
	options->trend = crm_bin_trend(trend);
	options->bins = bins;
	options->least_share = share;
	if (special != NULL)
		value = crm_score_floats(special, &options->specials);
	if (options->trend < 0)
		refuse_options("A trend is auto, ascending, descending, peak, valley or none.");
	if (bins < 1 || bins > CRM_BIN_MOST)
		refuse_options("There are from 1 to 20 bins.");
	if (!(share >= 0 && share <= 0.5))
		refuse_options("The least share of a bin is from 0 to 0.5.");
	if (options->specials > CRM_WOE_SPECIAL)
		refuse_options("There are at most 16 special values.");
	for (int k = 0; k < options->specials; k++)
		options->special[k] = crm_score_finite(value[k], "a special value");
}

/* Arguments after y and x, if any: trend, bins, share, special values. */
static void
number_options(FunctionCallInfo fcinfo, CrmWoeOptions *options)
{
	if (options->is_set)
		return;
	if (PG_NARGS() == 3)
		set_options(options, "auto", 6, 0.05, NULL);
	else if (PG_ARGISNULL(3) || PG_ARGISNULL(4) || PG_ARGISNULL(5))
		refuse_options("An option is null.");
	else
		set_options(options, text_to_cstring(PG_GETARG_TEXT_PP(3)), PG_GETARG_INT32(4), PG_GETARG_FLOAT8(5),
					PG_ARGISNULL(6) ? NULL : PG_GETARG_ARRAYTYPE_P(6));
}

static int
special_number(const CrmWoeOptions *options, double value)
{
	for (int k = 0; k < options->specials; k++)
		if (options->special[k] == value)
			return k;
	return -1;
}

PG_FUNCTION_INFO_V1(crm_woe_numbers_step);
Datum
crm_woe_numbers_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	CrmScoreState *state = PG_ARGISNULL(0) ? MemoryContextAllocZero(context, sizeof(CrmScoreState)) : (CrmScoreState *) PG_GETARG_POINTER(0);
	int			side;
	int			k;

	number_options(fcinfo, &state->options);
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(state);
	side = PG_GETARG_BOOL(1);
	if (PG_ARGISNULL(2) || isnan(PG_GETARG_FLOAT8(2)))
		state->options.missing[side]++;
	else if ((k = special_number(&state->options, PG_GETARG_FLOAT8(2))) >= 0)
		state->options.special_count[k][side]++;
	else
		crm_score_keys_add(context, state, side, PG_GETARG_FLOAT8(2));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_woe_words_step);
Datum
crm_woe_words_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	CrmBinState *state = PG_ARGISNULL(0) ? crm_score_bins_begin(context) : (CrmBinState *) PG_GETARG_POINTER(0);

	if (!state->options.is_set)
	{
		if (PG_NARGS() > 3 && (PG_ARGISNULL(3) || PG_ARGISNULL(4)))
			refuse_options("An option is null.");
		set_options(&state->options, "ascending", PG_NARGS() > 3 ? PG_GETARG_INT32(3) : 6, PG_NARGS() > 3 ? PG_GETARG_FLOAT8(4) : 0.05, NULL);
	}
	if (!PG_ARGISNULL(1))
		crm_score_bins_add(context, state, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2), !PG_GETARG_BOOL(1), PG_GETARG_BOOL(1));
	PG_RETURN_POINTER(state);
}

/* -- the result: an array of crm.woe_bin -------------------------------------------------------- */

typedef struct WoeResult
{
	TupleDesc	description;
	Oid			type;
	Datum		bin[CRM_BIN_MOST + CRM_WOE_SPECIAL + 2];
	int			count;
	double		all[2];
} WoeResult;

static WoeResult
result_begin(FunctionCallInfo fcinfo, double others, double events)
{
	WoeResult	result = {.all = {others, events}};

	result.type = get_element_type(get_fn_expr_rettype(fcinfo->flinfo));
	result.description = lookup_rowtype_tupdesc_copy(result.type, -1);
	return result;
}

static void
put_woe(WoeResult *result, const char *kind, double lower, double upper, ArrayType *members, double others, double events)
{
	Datum		values[10];
	bool		nulls[10] = {0};

	values[0] = Int32GetDatum(result->count + 1);
	values[1] = CStringGetTextDatum(kind);
	values[2] = Float8GetDatum(lower);
	nulls[2] = isnan(lower);
	values[3] = Float8GetDatum(upper);
	nulls[3] = isnan(upper);
	values[4] = PointerGetDatum(members);
	nulls[4] = members == NULL;
	values[5] = Int64GetDatum((int64) events);
	values[6] = Int64GetDatum((int64) others);
	values[7] = Float8GetDatum(events / (events + others));
	values[8] = Float8GetDatum(crm_score_woe(events, others, result->all[1], result->all[0]));
	values[9] = Float8GetDatum(crm_score_iv(events, others, result->all[1], result->all[0]));
	result->bin[result->count++] = HeapTupleGetDatum(heap_form_tuple(result->description, values, nulls));
}

static Datum
result_end(WoeResult *result)
{
	return PointerGetDatum(construct_array(result->bin, result->count, result->type, -1, false, TYPALIGN_DOUBLE));
}

static int
optimal(const CrmWoeOptions *options, const WoeResult *result, const CrmBinGroup *group, int groups, double rows, int *last)
{
	CrmBinTask	task = {group, groups, options->bins, options->least_share * rows, result->all[1], result->all[0], options->trend};

	return crm_bin_optimal(&task, palloc(sizeof(double) * crm_bin_scratch()), last);
}

/* -- numbers: at first up to 64 groups of about as many rows ----------------------------------- */

static int
number_groups(CrmScoreState *state, CrmBinGroup *group, uint64 *begin)
{
	CrmScoreKeys *keys = state->keys;
	Size		size = (keys[0].count + keys[1].count + CRM_BIN_GROUPS - 1) / CRM_BIN_GROUPS;
	Size		at[2] = {0, 0};
	int			n = 0;

	while (at[0] < keys[0].count || at[1] < keys[1].count)
	{
		uint64		least = PG_UINT64_MAX;

		for (int side = 0; side < 2; side++)
			if (at[side] < keys[side].count)
				least = Min(least, keys[side].key[at[side]]);
		if (n == 0 || (n < CRM_BIN_GROUPS && group[n - 1].events + group[n - 1].others >= (double) size))
		{
			group[n] = (CrmBinGroup) {0, 0};
			begin[n++] = least;
		}
		for (; at[0] < keys[0].count && keys[0].key[at[0]] == least; at[0]++)
			group[n - 1].others++;
		for (; at[1] < keys[1].count && keys[1].key[at[1]] == least; at[1]++)
			group[n - 1].events++;
	}
	return n;
}

static void
put_numbers(WoeResult *result, CrmScoreState *state)
{
	CrmBinGroup group[CRM_BIN_GROUPS];
	uint64		begin[CRM_BIN_GROUPS];
	int			last[CRM_BIN_MOST];
	int			n = number_groups(state, group, begin);
	int			bins = n == 0 ? 0 : optimal(&state->options, result, group, n, state->keys[0].count + state->keys[1].count, last);

	for (int b = 0, g = 0; b < bins; b++)
	{
		double		lower = b == 0 ? NAN : crm_score_value(begin[g]);
		CrmBinGroup sum = {0, 0};

		for (; g <= last[b]; g++)
		{
			sum.events += group[g].events;
			sum.others += group[g].others;
		}
		put_woe(result, "range", lower, b == bins - 1 ? NAN : crm_score_value(begin[g]), NULL, sum.others, sum.events);
	}
}

PG_FUNCTION_INFO_V1(crm_woe_numbers_final);
Datum
crm_woe_numbers_final(PG_FUNCTION_ARGS)
{
	CrmScoreState *state = PG_ARGISNULL(0) ? NULL : (CrmScoreState *) PG_GETARG_POINTER(0);
	CrmWoeOptions *options;
	WoeResult	result;
	double		all[2];

	crm_score_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	options = &state->options;
	for (int side = 0; side < 2; side++)
	{
		all[side] = state->keys[side].count + options->missing[side];
		for (int k = 0; k < options->specials; k++)
			all[side] += options->special_count[k][side];
	}
	if (all[0] == 0 || all[1] == 0)
		PG_RETURN_NULL();
	crm_score_keys_sorted(state);
	result = result_begin(fcinfo, all[0], all[1]);
	put_numbers(&result, state);
	for (int k = 0; k < options->specials; k++)
		if (options->special_count[k][0] + options->special_count[k][1] > 0)
			put_woe(&result, "special", options->special[k], options->special[k], NULL, options->special_count[k][0], options->special_count[k][1]);
	if (options->missing[0] + options->missing[1] > 0)
		put_woe(&result, "missing", NAN, NAN, NULL, options->missing[0], options->missing[1]);
	return result_end(&result);
}

/* -- categories: in order of their event rates, so that values that are alike are neighbours ------ */

static double
entry_rate(const CrmBinEntry *entry)
{
	return entry->count[1] / ((double) entry->count[0] + entry->count[1]);
}

static int
rate_order(const void *a, const void *b)
{
	const CrmBinEntry *p = *(CrmBinEntry *const *) a;
	const CrmBinEntry *q = *(CrmBinEntry *const *) b;
	double		difference = entry_rate(p) - entry_rate(q);

	if (difference != 0)
		return difference < 0 ? -1 : 1;
	/* Equal rates: by the bytes, so that the result can be repeated. */
	return DatumGetInt32(DirectFunctionCall2Coll(bttextcmp, C_COLLATION_OID, PointerGetDatum(p->bin), PointerGetDatum(q->bin)));
}

static void
put_words(WoeResult *result, CrmBinState *state, CrmBinEntry **list, int n)
{
	CrmBinGroup group[CRM_BIN_GROUPS];
	int			end[CRM_BIN_GROUPS];
	int			last[CRM_BIN_MOST];
	Datum	   *members = palloc(sizeof(Datum) * Max(n, 1));
	double		rows = 0;
	int			groups = 0;
	int			bins;

	qsort(list, n, sizeof(CrmBinEntry *), rate_order);
	for (int k = 0; k < n; k++)
		rows += list[k]->count[0] + list[k]->count[1];
	for (int k = 0; k < n; k++)
	{
		bool		full = groups > 0 && (n <= CRM_BIN_GROUPS || group[groups - 1].events + group[groups - 1].others >= rows / CRM_BIN_GROUPS);

		if (groups == 0 || (full && groups < CRM_BIN_GROUPS))
			group[groups++] = (CrmBinGroup) {0, 0};
		group[groups - 1].others += list[k]->count[0];
		group[groups - 1].events += list[k]->count[1];
		end[groups - 1] = k;
		members[k] = PointerGetDatum(list[k]->bin);
	}
	bins = groups == 0 ? 0 : optimal(&state->options, result, group, groups, rows, last);
	for (int b = 0, g = 0, k = 0; b < bins; b++)
	{
		CrmBinGroup sum = {0, 0};
		int			from = k;

		for (; g <= last[b]; g++)
		{
			sum.events += group[g].events;
			sum.others += group[g].others;
			k = end[g] + 1;
		}
		put_woe(result, "values", NAN, NAN, construct_array(members + from, k - from, TEXTOID, -1, false, TYPALIGN_INT), sum.others, sum.events);
	}
}

PG_FUNCTION_INFO_V1(crm_woe_words_final);
Datum
crm_woe_words_final(PG_FUNCTION_ARGS)
{
	CrmBinState *state = PG_ARGISNULL(0) ? NULL : (CrmBinState *) PG_GETARG_POINTER(0);
	CrmBinEntry **list;
	CrmBinEntry *missing = NULL;
	WoeResult	result;
	double		all[2] = {0, 0};
	int			n;

	crm_score_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	list = crm_score_bins_list(state, &n);
	for (int k = 0; k < n; k++)
		for (int side = 0; side < 2; side++)
			all[side] += list[k]->count[side];
	if (all[0] == 0 || all[1] == 0)
		PG_RETURN_NULL();
	if (list[n - 1]->bin == NULL)
		missing = list[--n];
	result = result_begin(fcinfo, all[0], all[1]);
	put_words(&result, state, list, n);
	if (missing != NULL)
		put_woe(&result, "missing", NAN, NAN, NULL, missing->count[0], missing->count[1]);
	return result_end(&result);
}
