/*
 * match_scalar.c: similarities, pinyin and folds as SQL functions for everybody.
 * The work is done in match_text_core.c, match_pinyin_core.c and the kinds.
 */
#include "crm.h"

#include "utils/builtins.h"

#include "match_cn_core.h"
#include "match_pinyin_core.h"
#include "match_text_core.h"

/* A text whose pinyin would not fit a value: far from any name. */
#define PINYIN_BYTES_MAX (64 * 1024 * 1024)

typedef struct Points
{
	uint32_t	point[CRM_TEXT_POINTS_MAX];
	size_t		count;
} Points;

/* The one place that refuses long texts. */
static void
refuse_length(size_t length, size_t most, const char *unit)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("text is too long for this function"),
			 errdetail("It has %zu %s; the limit is %zu.", length, unit, most),
			 errhint("Names and addresses are shorter: pass left(text, 1000), or the part that matters.")));
}

static void
read_points(const text *value, Points *points)
{
	const char *bytes = VARDATA_ANY(value);
	size_t		length = VARSIZE_ANY_EXHDR(value);

	if (length > CRM_TEXT_POINTS_MAX)
	{
		size_t		count = crm_text_count(bytes, length);

		if (count > CRM_TEXT_POINTS_MAX)
			refuse_length(count, CRM_TEXT_POINTS_MAX, "characters");
	}
	points->count = crm_text_points(bytes, length, points->point, CRM_TEXT_POINTS_MAX);
}

typedef double (*Similarity) (const uint32_t *, size_t, const uint32_t *, size_t);

static Datum
similarity(FunctionCallInfo fcinfo, Similarity compute)
{
	Points		a;
	Points		b;

	read_points(PG_GETARG_TEXT_PP(0), &a);
	read_points(PG_GETARG_TEXT_PP(1), &b);
	return Float8GetDatum(compute(a.point, a.count, b.point, b.count));
}

PG_FUNCTION_INFO_V1(crm_jaro_similarity);
Datum
crm_jaro_similarity(PG_FUNCTION_ARGS)
{
	return similarity(fcinfo, crm_jaro);
}

PG_FUNCTION_INFO_V1(crm_jaro_winkler_similarity);
Datum
crm_jaro_winkler_similarity(PG_FUNCTION_ARGS)
{
	return similarity(fcinfo, crm_jaro_winkler);
}

PG_FUNCTION_INFO_V1(crm_jaccard_similarity);
Datum
crm_jaccard_similarity(PG_FUNCTION_ARGS)
{
	return similarity(fcinfo, crm_jaccard);
}

PG_FUNCTION_INFO_V1(crm_bigram_similarity);
Datum
crm_bigram_similarity(PG_FUNCTION_ARGS)
{
	return similarity(fcinfo, crm_bigram);
}

PG_FUNCTION_INFO_V1(crm_damerau_levenshtein_sql);
Datum
crm_damerau_levenshtein_sql(PG_FUNCTION_ARGS)
{
	Points		a;
	Points		b;

	read_points(PG_GETARG_TEXT_PP(0), &a);
	read_points(PG_GETARG_TEXT_PP(1), &b);
	PG_RETURN_INT32((int32) crm_damerau_levenshtein(a.point, a.count, b.point, b.count));
}

/* Pinyin */

typedef size_t (*Spelling) (const char *, size_t, bool, char *);

static Datum
spell(FunctionCallInfo fcinfo, Spelling write)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	size_t		length = VARSIZE_ANY_EXHDR(value);
	text	   *result;

	if (length > PINYIN_BYTES_MAX)
		refuse_length(length, PINYIN_BYTES_MAX, "bytes");
	result = palloc(VARHDRSZ + CRM_PINYIN_ROOM(length));
	SET_VARSIZE(result, VARHDRSZ + write(VARDATA_ANY(value), length, PG_GETARG_BOOL(1), VARDATA(result)));
	PG_RETURN_TEXT_P(result);
}

PG_FUNCTION_INFO_V1(crm_pinyin_sql);
Datum
crm_pinyin_sql(PG_FUNCTION_ARGS)
{
	return spell(fcinfo, crm_pinyin_text);
}

PG_FUNCTION_INFO_V1(crm_pinyin_initials_sql);
Datum
crm_pinyin_initials_sql(PG_FUNCTION_ARGS)
{
	return spell(fcinfo, crm_pinyin_initials);
}

/* Folds */

typedef size_t (*Fold) (const char *, size_t, char *, size_t);

/* Null when nothing is left: then there is no name to compare. */
static Datum
fold(FunctionCallInfo fcinfo, Fold write)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	char		out[2 * CRM_MATCH_VALUE_MAX];
	size_t		length = write(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value), out, sizeof(out));

	if (length == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out, length));
}

PG_FUNCTION_INFO_V1(crm_fold_name_sql);
Datum
crm_fold_name_sql(PG_FUNCTION_ARGS)
{
	return fold(fcinfo, crm_fold_name);
}

PG_FUNCTION_INFO_V1(crm_fold_company_name_sql);
Datum
crm_fold_company_name_sql(PG_FUNCTION_ARGS)
{
	return fold(fcinfo, crm_fold_company_name);
}
