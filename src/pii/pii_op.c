/*
 * pii_op.c: comparison, hashing, sorting and statistics, all on the token.
 *
 * Tokens are compared as bytes, so nothing here needs a key, can fail, or tells
 * more than whether two values are equal: the functions are LEAKPROOF, or row
 * security would keep every look-up off the index.
 */
#include "pii_room.h"

#include <math.h>

#include "commands/vacuum.h"
#include "common/hashfn.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/sortsupport.h"
#include "utils/uuid.h"

/* Token key id and token, in the order of memcmp; zeros for a datum that is cut. */
static inline const uint8 *
token_field(const struct varlena *datum)
{
	static const uint8 none[CRM_TOKEN_FIELD];

	if (unlikely(CRM_ENVELOPE_SIZE(datum) < CRM_ENVELOPE_HEAD))
		return none;
	return CRM_ENVELOPE_DATA(datum) + CRM_TOKEN_OFFSET;
}

static inline int
compare_tokens(Datum left, Datum right)
{
	struct varlena *a = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(left));
	struct varlena *b = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(right));
	int			order = memcmp(token_field(a), token_field(b), CRM_TOKEN_FIELD);

	if (a != (struct varlena *) DatumGetPointer(left))
		pfree(a);
	if (b != (struct varlena *) DatumGetPointer(right))
		pfree(b);
	return order;
}

#define PII_COMPARISON(name, test) \
	PG_FUNCTION_INFO_V1(crm_pii_##name); \
	Datum \
	crm_pii_##name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare_tokens(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)) test 0); \
	}

PII_COMPARISON(eq, ==)
PII_COMPARISON(ne, !=)
PII_COMPARISON(lt, <)
PII_COMPARISON(le, <=)
PII_COMPARISON(ge, >=)
PII_COMPARISON(gt, >)

PG_FUNCTION_INFO_V1(crm_pii_cmp);
Datum
crm_pii_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_tokens(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)));
}

static int
compare_for_sort(Datum left, Datum right, SortSupport ssup)
{
	return compare_tokens(left, right);
}

#if SIZEOF_DATUM == 8
/* The first eight bytes of the token field as a number that sorts alike. */
static Datum
abbreviate_token(Datum original, SortSupport ssup)
{
	struct varlena *datum = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(original));
	uint64		first;

	memcpy(&first, token_field(datum), sizeof(first));
	if (datum != (struct varlena *) DatumGetPointer(original))
		pfree(datum);
	return UInt64GetDatum(pg_ntoh64(first));
}

/* Tokens are random: their beginning tells nearly all of them apart. */
static bool
never_abort(int memtupcount, SortSupport ssup)
{
	return false;
}
#endif

PG_FUNCTION_INFO_V1(crm_pii_sortsupport);
Datum
crm_pii_sortsupport(PG_FUNCTION_ARGS)
{
	SortSupport ssup = (SortSupport) PG_GETARG_POINTER(0);

	ssup->comparator = compare_for_sort;
#if SIZEOF_DATUM == 8
	if (ssup->abbreviate)
	{
		ssup->comparator = ssup_datum_unsigned_cmp;
		ssup->abbrev_converter = abbreviate_token;
		ssup->abbrev_abort = never_abort;
		ssup->abbrev_full_comparator = compare_for_sort;
	}
#endif
	PG_RETURN_VOID();
}

/* A token is a hash already: its first bytes will do. */
static uint64
token_hash(Datum value)
{
	struct varlena *datum = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
	uint64		hash;

	memcpy(&hash, token_field(datum) + 2, sizeof(hash));
	if (datum != (struct varlena *) DatumGetPointer(value))
		pfree(datum);
	return hash;
}

PG_FUNCTION_INFO_V1(crm_pii_hash);
Datum
crm_pii_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) token_hash(PG_GETARG_DATUM(0)));
}

/* With seed 0 its lower half must be that of crm_pii_hash(). */
PG_FUNCTION_INFO_V1(crm_pii_hash_extended);
Datum
crm_pii_hash_extended(PG_FUNCTION_ARGS)
{
	uint64		hash = token_hash(PG_GETARG_DATUM(0));
	uint64		seed = (uint64) PG_GETARG_INT64(1);

	PG_RETURN_UINT64(seed == 0 ? hash : hash_combine64(hash, seed));
}

/* The token as a uuid, the smallest type that indexes 16 bytes. */
PG_FUNCTION_INFO_V1(crm_pii_token);
Datum
crm_pii_token(PG_FUNCTION_ARGS)
{
	struct varlena *datum = PG_GETARG_VARLENA_PP(0);
	pg_uuid_t  *token = palloc(sizeof(pg_uuid_t));

	memcpy(token->data, token_field(datum) + 2, CRM_TOKEN_SIZE);
	PG_RETURN_UUID_P(token);
}

/* -- statistics ---------------------------------------------------------------- */

static int
compare_fields(const void *a, const void *b)
{
	return memcmp(a, b, CRM_TOKEN_FIELD);
}

/* How many different tokens, and how many of them more than once. */
static void
count_distinct(uint8 *fields, int count, int *distinct, int *repeated)
{
	bool		again = false;

	*distinct = *repeated = 0;
	qsort(fields, count, CRM_TOKEN_FIELD, compare_fields);
	for (int i = 0; i < count; i++)
	{
		bool		same = i > 0 && compare_fields(fields + (i - 1) * CRM_TOKEN_FIELD,
												   fields + i * CRM_TOKEN_FIELD) == 0;

		if (!same)
			(*distinct)++;
		else if (!again)
			(*repeated)++;
		again = same;
	}
}

/*
 * Number of distinct values by the estimator of Haas and Stokes (1998), as the
 * server's own ANALYZE does; negative when it grows with the table.
 */
static double
estimate_distinct(int sampled, int distinct, int repeated, double total, double nullfrac)
{
	double		rows = total * (1.0 - nullfrac);
	double		once = distinct - repeated;
	double		estimate;

	if (repeated == 0)
		return -1.0 * (1.0 - nullfrac);
	if (repeated == distinct)
		return distinct;
	estimate = (double) sampled * distinct / (sampled - once + once * sampled / rows);
	estimate = Min(Max(estimate, distinct), rows);
	return estimate > 0.1 * total ? -(estimate / total) : rint(estimate);
}

/*
 * Null fraction, width and number of distinct values.  No most common values and
 * no histogram: frequencies alone would name the call centre's number, and a
 * catalog is read by more people than the table.
 */
static void
compute_stats(VacAttrStatsP stats, AnalyzeAttrFetchFunc fetch, int samplerows, double totalrows)
{
	uint8	   *fields = palloc(Max(samplerows, 1) * CRM_TOKEN_FIELD);
	double		width = 0;
	int			nulls = 0;
	int			count = 0;
	bool		has_tokens = true;

	for (int i = 0; i < samplerows; i++)
	{
		bool		isnull;
		Datum		value = fetch(stats, i, &isnull);
		struct varlena *datum;

		CRM_ANALYZE_DELAY_POINT();
		if (isnull)
		{
			nulls++;
			continue;
		}
		width += VARSIZE_ANY(DatumGetPointer(value));
		datum = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(value));
		if (crm_pii_datum_type(datum) == CRM_PII_PRIVATE_TEXT)
			has_tokens = false;
		memcpy(fields + count++ * CRM_TOKEN_FIELD, token_field(datum), CRM_TOKEN_FIELD);
		if (datum != (struct varlena *) DatumGetPointer(value))
			pfree(datum);
	}

	stats->stats_valid = samplerows > 0;
	stats->stanullfrac = samplerows > 0 ? (double) nulls / samplerows : 0.0;
	stats->stawidth = count > 0 ? width / count : 0;
	stats->stadistinct = 0.0;
	if (count > 0 && has_tokens)
	{
		int			distinct;
		int			repeated;

		count_distinct(fields, count, &distinct, &repeated);
		stats->stadistinct = estimate_distinct(count, distinct, repeated, totalrows,
											   stats->stanullfrac);
	}
	pfree(fields);
}

PG_FUNCTION_INFO_V1(crm_pii_typanalyze);
Datum
crm_pii_typanalyze(PG_FUNCTION_ARGS)
{
	VacAttrStats *stats = (VacAttrStats *) PG_GETARG_POINTER(0);

	if (CRM_STATISTICS_TARGET(stats) < 0)
		CRM_STATISTICS_TARGET(stats) = default_statistics_target;
	stats->compute_stats = compute_stats;
	stats->minrows = 300 * CRM_STATISTICS_TARGET(stats);
	PG_RETURN_BOOL(true);
}
