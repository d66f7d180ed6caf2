/*
 * score_stat.c: AUC, Kolmogorov-Smirnov, information value, stability index.
 */
#include "score/score_stat.h"

#include <limits.h>
#include <math.h>

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "score/score_stat_core.h"

/* -- numbers of events and of the others, as sortable keys ---------------------------------- */

static void
keys_reserve(MemoryContext context, CrmScoreState *state, CrmScoreKeys *keys, Size more)
{
	Size		room = Max(keys->room, 128);

	if (keys->count + more <= keys->room)
		return;
	while (room < keys->count + more)
		room *= 2;
	/* The sort needs as much again. */
	crm_score_room((state->keys[0].room + state->keys[1].room - keys->room + 2 * room) * sizeof(uint64));
	if (keys->key == NULL)
		keys->key = MemoryContextAllocHuge(context, room * sizeof(uint64));
	else
		keys->key = repalloc_huge(keys->key, room * sizeof(uint64));
	keys->room = room;
}

void
crm_score_keys_add(MemoryContext context, CrmScoreState *state, int side, double value)
{
	CrmScoreKeys	   *keys = &state->keys[side];

	keys_reserve(context, state, keys, 1);
	keys->key[keys->count++] = crm_score_key(value);
	state->sorted = false;
}

void
crm_score_keys_sorted(CrmScoreState *state)
{
	if (state->sorted)
		return;
	for (int side = 0; side < 2; side++)
	{
		CrmScoreKeys	   *keys = &state->keys[side];
		uint64	   *spare;

		if (keys->count == 0)
			continue;
		spare = MemoryContextAllocHuge(CurrentMemoryContext, keys->count * sizeof(uint64));
		crm_score_sort(keys->key, spare, keys->count);
		pfree(spare);
	}
	state->sorted = true;
}

static void
refuse_nan(double value)
{
	if (unlikely(isnan(value)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("score must not be NaN"),
				 errdetail("NaN has no place in an order."),
				 errhint("Leave such rows out with FILTER.")));
}

/* Options are the same in every row; counts beside the numbers are added. */
static void
options_add(CrmWoeOptions *options, const CrmWoeOptions *more)
{
	if (!options->is_set)
	{
		*options = *more;
		return;
	}
	for (int side = 0; side < 2; side++)
	{
		options->missing[side] += more->missing[side];
		for (int k = 0; k < options->specials; k++)
			options->special_count[k][side] += more->special_count[k][side];
	}
}

/* Rows with a null are passed over. */
PG_FUNCTION_INFO_V1(crm_score_keys_step);
Datum
crm_score_keys_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	CrmScoreState *state = PG_ARGISNULL(0) ? NULL : (CrmScoreState *) PG_GETARG_POINTER(0);

	if (state == NULL)
		state = MemoryContextAllocZero(context, sizeof(CrmScoreState));
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
	{
		refuse_nan(PG_GETARG_FLOAT8(2));
		crm_score_keys_add(context, state, PG_GETARG_BOOL(1), PG_GETARG_FLOAT8(2));
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_score_keys_combine);
Datum
crm_score_keys_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	CrmScoreState *state = PG_ARGISNULL(0) ? MemoryContextAllocZero(context, sizeof(CrmScoreState)) : (CrmScoreState *) PG_GETARG_POINTER(0);
	CrmScoreState *other = PG_ARGISNULL(1) ? NULL : (CrmScoreState *) PG_GETARG_POINTER(1);

	if (other != NULL)
		options_add(&state->options, &other->options);
	for (int side = 0; other != NULL && side < 2; side++)
	{
		CrmScoreKeys	   *keys = &state->keys[side];
		CrmScoreKeys	   *more = &other->keys[side];

		if (more->count == 0)
			continue;
		keys_reserve(context, state, keys, more->count);
		memcpy(keys->key + keys->count, more->key, more->count * sizeof(uint64));
		keys->count += more->count;
		state->sorted = false;
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_score_keys_serialize);
Datum
crm_score_keys_serialize(PG_FUNCTION_ARGS)
{
	CrmScoreState *state = (CrmScoreState *) PG_GETARG_POINTER(0);
	Size		counts[2] = {state->keys[0].count, state->keys[1].count};
	Size		head = sizeof(counts) + sizeof(state->options);
	Size		bytes = head + (counts[0] + counts[1]) * sizeof(uint64);
	bytea	   *result;

	if (bytes > MaxAllocSize - VARHDRSZ)
		crm_score_room((Size) INT_MAX * 1024 + bytes);
	result = palloc(VARHDRSZ + bytes);
	SET_VARSIZE(result, VARHDRSZ + bytes);
	memcpy(VARDATA(result), counts, sizeof(counts));
	memcpy(VARDATA(result) + sizeof(counts), &state->options, sizeof(state->options));
	for (int side = 0; side < 2; side++)
		if (counts[side] > 0)
			memcpy(VARDATA(result) + head + (side ? counts[0] * sizeof(uint64) : 0),
				   state->keys[side].key, counts[side] * sizeof(uint64));
	PG_RETURN_BYTEA_P(result);
}

PG_FUNCTION_INFO_V1(crm_score_keys_deserialize);
Datum
crm_score_keys_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	const char *at = VARDATA_ANY(value);
	CrmScoreState *state = palloc0(sizeof(CrmScoreState));
	Size		counts[2];

	crm_score_context(fcinfo);
	memcpy(counts, at, sizeof(counts));
	at += sizeof(counts);
	memcpy(&state->options, at, sizeof(state->options));
	at += sizeof(state->options);
	for (int side = 0; side < 2; side++)
	{
		keys_reserve(CurrentMemoryContext, state, &state->keys[side], counts[side]);
		if (counts[side] > 0)
			memcpy(state->keys[side].key, at, counts[side] * sizeof(uint64));
		state->keys[side].count = counts[side];
		at += counts[side] * sizeof(uint64);
	}
	PG_RETURN_POINTER(state);
}

/* NULL where there is nothing to compare: no row, or rows of one class. */
static bool
both_classes(FunctionCallInfo fcinfo, CrmScoreState **state)
{
	crm_score_context(fcinfo);
	*state = PG_ARGISNULL(0) ? NULL : (CrmScoreState *) PG_GETARG_POINTER(0);
	if (*state == NULL || (*state)->keys[0].count == 0 || (*state)->keys[1].count == 0)
		return false;
	crm_score_keys_sorted(*state);
	return true;
}

PG_FUNCTION_INFO_V1(crm_roc_auc_final);
Datum
crm_roc_auc_final(PG_FUNCTION_ARGS)
{
	CrmScoreState *state;

	if (!both_classes(fcinfo, &state))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(crm_score_auc(state->keys[1].key, state->keys[1].count, state->keys[0].key, state->keys[0].count));
}

PG_FUNCTION_INFO_V1(crm_ks_statistic_final);
Datum
crm_ks_statistic_final(PG_FUNCTION_ARGS)
{
	CrmScoreState *state;

	if (!both_classes(fcinfo, &state))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(crm_score_ks(state->keys[1].key, state->keys[1].count, state->keys[0].key, state->keys[0].count));
}

/* -- information value: counts for each bin ------------------------------------------------------ */

static bool
same_bin(const text *a, const text *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

static uint32
hash_bin(const text *bin)
{
	return bin == NULL ? 0 : hash_bytes((const unsigned char *) VARDATA_ANY(bin), VARSIZE_ANY_EXHDR(bin));
}

#define SH_PREFIX crm_bins
#define SH_ELEMENT_TYPE CrmBinEntry
#define SH_KEY_TYPE text *
#define SH_KEY bin
#define SH_HASH_KEY(table, key) hash_bin(key)
#define SH_EQUAL(table, a, b) same_bin(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

CrmBinState *
crm_score_bins_begin(MemoryContext context)
{
	CrmBinState *state = MemoryContextAllocZero(context, sizeof(CrmBinState));

	state->bins = crm_bins_create(context, 64, NULL);
	return state;
}

void
crm_score_bins_add(MemoryContext context, CrmBinState *state, text *bin, int64 others, int64 events)
{
	bool		found;
	CrmBinEntry *entry = crm_bins_insert(state->bins, bin, &found);

	if (!found)
	{
		entry->count[0] = entry->count[1] = 0;
		if (bin != NULL)
		{
			state->bytes += VARSIZE_ANY(bin);
			entry->bin = MemoryContextAlloc(context, VARSIZE_ANY(bin));
			memcpy(entry->bin, bin, VARSIZE_ANY(bin));
		}
		crm_score_room(state->bytes + (Size) state->bins->size * sizeof(CrmBinEntry));
	}
	entry->count[0] += others;
	entry->count[1] += events;
}

PG_FUNCTION_INFO_V1(crm_information_value_step);
Datum
crm_information_value_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	CrmBinState *state = PG_ARGISNULL(0) ? crm_score_bins_begin(context) : (CrmBinState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
		crm_score_bins_add(context, state, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2), !PG_GETARG_BOOL(1), PG_GETARG_BOOL(1));
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_information_value_combine);
Datum
crm_information_value_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = crm_score_context(fcinfo);
	CrmBinState *state = PG_ARGISNULL(0) ? crm_score_bins_begin(context) : (CrmBinState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1))
	{
		crm_bins_iterator i;
		crm_bins_hash *bins = ((CrmBinState *) PG_GETARG_POINTER(1))->bins;
		CrmBinEntry *entry;

		options_add(&state->options, &((CrmBinState *) PG_GETARG_POINTER(1))->options);
		crm_bins_start_iterate(bins, &i);
		while ((entry = crm_bins_iterate(bins, &i)) != NULL)
			crm_score_bins_add(context, state, entry->bin, entry->count[0], entry->count[1]);
	}
	PG_RETURN_POINTER(state);
}

PG_FUNCTION_INFO_V1(crm_information_value_serialize);
Datum
crm_information_value_serialize(PG_FUNCTION_ARGS)
{
	CrmBinState *state = (CrmBinState *) PG_GETARG_POINTER(0);
	crm_bins_iterator i;
	CrmBinEntry *entry;
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoSpaces(&out, VARHDRSZ);
	appendBinaryStringInfo(&out, (char *) &state->options, sizeof(state->options));
	crm_bins_start_iterate(state->bins, &i);
	while ((entry = crm_bins_iterate(state->bins, &i)) != NULL)
	{
		int32		length = entry->bin == NULL ? -1 : (int32) VARSIZE_ANY_EXHDR(entry->bin);

		appendBinaryStringInfo(&out, (char *) &length, sizeof(length));
		appendBinaryStringInfo(&out, (char *) entry->count, sizeof(entry->count));
		if (length > 0)
			appendBinaryStringInfo(&out, VARDATA_ANY(entry->bin), length);
	}
	SET_VARSIZE(out.data, out.len);
	PG_RETURN_BYTEA_P((bytea *) out.data);
}

PG_FUNCTION_INFO_V1(crm_information_value_deserialize);
Datum
crm_information_value_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *value = PG_GETARG_BYTEA_PP(0);
	const char *at = VARDATA_ANY(value);
	const char *end = at + VARSIZE_ANY_EXHDR(value);
	CrmBinState *state;

	crm_score_context(fcinfo);
	state = crm_score_bins_begin(CurrentMemoryContext);
	memcpy(&state->options, at, sizeof(state->options));
	at += sizeof(state->options);
	while (at < end)
	{
		int32		length;
		int64		count[2];

		memcpy(&length, at, sizeof(length));
		memcpy(count, at + sizeof(length), sizeof(count));
		at += sizeof(length) + sizeof(count);
		crm_score_bins_add(CurrentMemoryContext, state, length < 0 ? NULL : cstring_to_text_with_len(at, length), count[0], count[1]);
		at += Max(length, 0);
	}
	PG_RETURN_POINTER(state);
}

/* By the bytes: sums come out the same whatever the order of the rows was. */
static int
bin_order(const void *a, const void *b)
{
	const text *p = (*(CrmBinEntry *const *) a)->bin;
	const text *q = (*(CrmBinEntry *const *) b)->bin;
	int			order;

	if (p == NULL || q == NULL)
		return (p == NULL) - (q == NULL);
	order = memcmp(VARDATA_ANY(p), VARDATA_ANY(q), Min(VARSIZE_ANY_EXHDR(p), VARSIZE_ANY_EXHDR(q)));
	return order != 0 ? order : (int) VARSIZE_ANY_EXHDR(p) - (int) VARSIZE_ANY_EXHDR(q);
}

CrmBinEntry **
crm_score_bins_list(CrmBinState *state, int *n)
{
	CrmBinEntry **list = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(CrmBinEntry *) * Max(state->bins->members, 1));
	crm_bins_iterator i;
	CrmBinEntry *entry;

	*n = 0;
	crm_bins_start_iterate(state->bins, &i);
	while ((entry = crm_bins_iterate(state->bins, &i)) != NULL)
		list[(*n)++] = entry;
	qsort(list, *n, sizeof(CrmBinEntry *), bin_order);
	return list;
}

PG_FUNCTION_INFO_V1(crm_information_value_final);
Datum
crm_information_value_final(PG_FUNCTION_ARGS)
{
	CrmBinState *state = PG_ARGISNULL(0) ? NULL : (CrmBinState *) PG_GETARG_POINTER(0);
	CrmBinEntry **list;
	int			n;
	double		all[2] = {0, 0};
	double		sum = 0;

	crm_score_context(fcinfo);
	if (state == NULL)
		PG_RETURN_NULL();
	list = crm_score_bins_list(state, &n);
	for (int k = 0; k < n; k++)
		for (int side = 0; side < 2; side++)
			all[side] += list[k]->count[side];
	if (all[0] == 0 || all[1] == 0)
		PG_RETURN_NULL();
	for (int k = 0; k < n; k++)
		sum += crm_score_iv(list[k]->count[1], list[k]->count[0], all[1], all[0]);
	PG_RETURN_FLOAT8(sum);
}

/* -- stability index -------------------------------------------------------------------------------- */

static double
share_total(const double *values, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
	{
		if (crm_score_finite(values[i], "a share") < 0)
			sum = -INFINITY;
		sum += values[i];
	}
	return sum;
}

PG_FUNCTION_INFO_V1(crm_population_stability_index);
Datum
crm_population_stability_index(PG_FUNCTION_ARGS)
{
	int			m;
	int			n;
	const double *expected = crm_score_floats(PG_GETARG_ARRAYTYPE_P(0), &m);
	const double *actual = crm_score_floats(PG_GETARG_ARRAYTYPE_P(1), &n);
	double		all_expected = share_total(expected, m);
	double		all_actual = share_total(actual, n);
	double		sum = 0;

	if (m != n || m == 0 || !(all_expected > 0 && all_expected < INFINITY) || !(all_actual > 0 && all_actual < INFINITY))
		ereport(ERROR,
				(errcode(m != n ? ERRCODE_ARRAY_SUBSCRIPT_ERROR : ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("shares cannot be compared"),
				 m != n ? errdetail("There are %d expected shares and %d actual ones.", m, n) :
				 errdetail("Shares, or counts, are not negative and have a sum above 0."),
				 errhint("Count both samples over the same bins.")));
	for (int i = 0; i < n; i++)
		sum += crm_score_psi(expected[i] / all_expected, actual[i] / all_actual);
	PG_RETURN_FLOAT8(sum);
}
