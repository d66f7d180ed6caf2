/*
 * score_scorecard.c: from the rows of a query to the points of a scorecard.
 *
 * The query's first column is the event, the others are numbers (float8) or text. What is
 * read is held by columns; each becomes levels; crm_additive_fit() gives each level its
 * effect; points are effects in whole numbers, and levels of equal points one bin.
 */
#include "score/score_fit.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "compat.h"
#include "score/score_additive_core.h"
#include "score/score_stat_core.h"

/* Of a category; the rarer ones are taken together. */
#define VALUES_MOST 60
/* Of a number: levels at first, before those of equal points are joined, and their least share. */
#define LEVELS_MOST 32
#define LEVEL_SHARE 50
#define LEVEL_ROWS 10
/* Of all characteristics together, three for each of the most there can be: the time of a fit grows with the cube of it. */
#define LEVELS_ALL 768
#define BANDS 10
#define FETCH 10000

/* -- text values, numbered as they come ------------------------------------------------------- */

typedef struct Word
{
	char	   *text;
	uint32		hash;
	char		status;
	uint32		number;
	int64		count;
} Word;

#define SH_PREFIX crm_words
#define SH_ELEMENT_TYPE Word
#define SH_KEY_TYPE char *
#define SH_KEY text
#define SH_HASH_KEY(table, key) hash_bytes((const unsigned char *) (key), strlen(key))
#define SH_EQUAL(table, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(table, entry) (entry)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define MISSING PG_UINT32_MAX

typedef struct Column
{
	char	   *name;
	bool		is_number;
	double	   *number;			/* NaN is missing */
	uint32	   *code;			/* of text; MISSING is null */
	crm_words_hash *words;
	/* Levels: of numbers, the edges; of text, the values in order of frequency. */
	double		edges[LEVELS_MOST];
	int			edge_count;
	Word	   *values[VALUES_MOST];
	int			value_count;
	int			other;			/* level of values in no list, -1 for numbers */
	int			missing;		/* level of what is missing, -1 if there is none */
} Column;

typedef struct Sample
{
	MemoryContext context;
	int			columns;
	Column	   *column;
	Size		rows;
	Size		room;
	uint8	   *y;
} Sample;

static void
sample_grow(Sample *sample)
{
	Size		room = sample->room * 2;

	if (sample->rows < sample->room)
		return;
	crm_score_room(room * (1 + (Size) sample->columns * 9));
	sample->y = repalloc_huge(sample->y, room);
	for (int j = 0; j < sample->columns; j++)
	{
		Column	   *column = &sample->column[j];

		if (column->is_number)
			column->number = repalloc_huge(column->number, room * sizeof(double));
		else
			column->code = repalloc_huge(column->code, room * sizeof(uint32));
	}
	sample->room = room;
}

static uint32
word_number(Sample *sample, Column *column, Datum value)
{
	char	   *string = TextDatumGetCString(value);
	bool		found;
	Word	   *word = crm_words_insert(column->words, string, &found);

	if (!found)
	{
		word->text = MemoryContextStrdup(sample->context, string);
		word->number = column->words->members - 1;
		word->count = 0;
	}
	word->count++;
	pfree(string);
	return word->number;
}

/* Infinities belong to the outermost bins, whose edges are numbers. */
static double
within_numbers(double value)
{
	return isinf(value) ? copysign(DBL_MAX, value) : value;
}

static void
sample_add(Sample *sample, HeapTuple row, TupleDesc description)
{
	bool		null;
	Datum		event = SPI_getbinval(row, description, 1, &null);

	if (null)
		return;
	sample_grow(sample);
	sample->y[sample->rows] = DatumGetBool(event);
	for (int j = 0; j < sample->columns; j++)
	{
		Column	   *column = &sample->column[j];
		Datum		value = SPI_getbinval(row, description, j + 2, &null);

		if (column->is_number)
			column->number[sample->rows] = null ? NAN : within_numbers(DatumGetFloat8(value));
		else
			column->code[sample->rows] = null ? MISSING : word_number(sample, column, value);
	}
	sample->rows++;
}

/* Values are taken as they are, so their types must be what we say. */
static void
require_sample(TupleDesc description, int characteristics)
{
	bool		fit = description->natts == characteristics + 1 && TupleDescAttr(description, 0)->atttypid == BOOLOID;

	for (int j = 0; fit && j < characteristics; j++)
		fit = TupleDescAttr(description, j + 1)->atttypid == FLOAT8OID || TupleDescAttr(description, j + 1)->atttypid == TEXTOID;
	crm_score_require_columns(fit, "the event, boolean, and for each characteristic a column, float8 or text");
}

static void
sample_begin(Sample *sample, ArrayType *names, TupleDesc description)
{
	Datum	   *name;
	int			n;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &name, NULL, &n);
	require_sample(description, n);
	sample->columns = n;
	sample->room = 1024;
	sample->column = palloc0(sizeof(Column) * Max(n, 1));
	sample->y = palloc(sample->room);
	for (int j = 0; j < n; j++)
	{
		Column	   *column = &sample->column[j];

		column->name = TextDatumGetCString(name[j]);
		column->is_number = TupleDescAttr(description, j + 1)->atttypid == FLOAT8OID;
		if (column->is_number)
			column->number = palloc(sample->room * sizeof(double));
		else
		{
			column->code = palloc(sample->room * sizeof(uint32));
			column->words = crm_words_create(sample->context, 64, NULL);
		}
	}
}

/* Runs as the caller: he reads what he may read. */
static void
sample_read(Sample *sample, const char *query, ArrayType *names)
{
	Portal		portal;
	MemoryContext spi;

	SPI_connect();
	portal = SPI_cursor_parse_open(NULL, query, &(SPIParseOpenOptions) {.cursorOptions = CURSOR_OPT_NO_SCROLL, .read_only = true});
	spi = MemoryContextSwitchTo(sample->context);
	sample_begin(sample, names, portal->tupDesc);
	MemoryContextSwitchTo(spi);
	do
	{
		SPI_cursor_fetch(portal, true, FETCH);
		for (uint64 i = 0; i < SPI_processed; i++)
			sample_add(sample, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	} while (SPI_processed > 0);
	SPI_cursor_close(portal);
	SPI_finish();
}

/* -- from values to levels ------------------------------------------------------------------------ */

/* A number as people write it; blank is missing. False when the text is none. */
static bool
read_number(const char *text, double *number)
{
	char	   *end;

	while (*text == ' ')
		text++;
	*number = NAN;
	if (*text == '\0')
		return true;
	if (strspn(text, "+-.0123456789eE ") != strlen(text))
		return false;
	*number = strtod(text, &end);
	return end != text && strspn(end, " ") == strlen(end) && isfinite(*number);
}

/* Text that holds numbers and blanks alone is a number: files are often loaded so. */
static void
turn_into_numbers(Sample *sample, Column *column)
{
	crm_words_iterator i;
	Word	   *word;
	double	   *number = palloc(sizeof(double) * Max(column->words->members, 1));
	bool		any = false;

	crm_words_start_iterate(column->words, &i);
	while ((word = crm_words_iterate(column->words, &i)) != NULL)
	{
		if (!read_number(word->text, &number[word->number]))
			return;
		any |= !isnan(number[word->number]);
	}
	if (!any)
		return;
	column->is_number = true;
	column->number = MemoryContextAllocHuge(sample->context, Max(sample->rows, 1) * sizeof(double));
	for (Size r = 0; r < sample->rows; r++)
		column->number[r] = column->code[r] == MISSING ? NAN : number[column->code[r]];
}

static int
double_order(const void *a, const void *b)
{
	double		p = *(const double *) a;
	double		q = *(const double *) b;

	return p < q ? -1 : p > q;
}

static void
level_numbers(Sample *sample, Column *column, CrmAdditivePart *part, int most)
{
	double	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, Max(sample->rows, 1) * sizeof(double));
	Size		n = 0;

	for (Size r = 0; r < sample->rows; r++)
		if (!isnan(column->number[r]))
			sorted[n++] = column->number[r];
	qsort(sorted, n, sizeof(double), double_order);
	column->edge_count = crm_additive_edges(sorted, n, most, Max(n / LEVEL_SHARE, LEVEL_ROWS), column->edges);
	column->other = -1;
	part->ordered = n > 0 ? column->edge_count + 1 : 0;
	part->levels = part->ordered;
	column->missing = n < sample->rows ? part->levels++ : -1;
	pfree(sorted);
}

/* The most frequent first; of equal ones the bytes decide, so that a fit can be repeated. */
static int
word_order(const void *a, const void *b)
{
	const Word *p = *(Word *const *) a;
	const Word *q = *(Word *const *) b;

	return p->count != q->count ? (p->count > q->count ? -1 : 1) : strcmp(p->text, q->text);
}

static void
level_words(Sample *sample, Column *column, CrmAdditivePart *part)
{
	Word	  **all = palloc(sizeof(Word *) * Max(column->words->members, 1));
	crm_words_iterator i;
	Word	   *word;
	int64		present = 0;
	uint32		n = 0;

	crm_words_start_iterate(column->words, &i);
	while ((word = crm_words_iterate(column->words, &i)) != NULL)
	{
		all[n++] = word;
		present += word->count;
	}
	qsort(all, n, sizeof(Word *), word_order);
	/* Nearly a key: what it tells of these rows it cannot tell of others. */
	if (n > VALUES_MOST && n > present / 2)
		n = 0;
	column->value_count = Min(n, VALUES_MOST);
	memcpy(column->values, all, sizeof(Word *) * column->value_count);
	part->ordered = 0;
	part->levels = column->value_count;
	column->other = part->levels++;
	column->missing = present < (int64) sample->rows ? part->levels++ : -1;
	for (uint32 k = 0; k < n; k++)
		all[k]->count = Min(k, (uint32) column->other); /* the level from here on */
}

static int
number_level(const Column *column, double value)
{
	int			low = 0;
	int			high = column->edge_count;

	if (isnan(value))
		return column->missing;
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (value >= column->edges[middle])
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
fill_levels(const Sample *sample, Column *column, uint8 *level)
{
	uint8	   *of_word = NULL;

	if (!column->is_number)
	{
		crm_words_iterator i;
		Word	   *word;

		of_word = palloc(Max(column->words->members, 1));
		crm_words_start_iterate(column->words, &i);
		while ((word = crm_words_iterate(column->words, &i)) != NULL)
			of_word[word->number] = (uint8) word->count;
	}
	for (Size r = 0; r < sample->rows; r++)
		level[r * sample->columns] = column->is_number ? number_level(column, column->number[r]) :
			column->code[r] == MISSING ? column->missing : of_word[column->code[r]];
}

/* Levels that rows have. */
static int
used_levels(const uint8 *level, Size rows, int columns)
{
	bool		seen[CRM_ADDITIVE_LEVELS] = {0};
	int			used = 0;

	for (Size r = 0; r < rows; r++)
		if (!seen[level[r * columns]])
		{
			seen[level[r * columns]] = true;
			used++;
		}
	return used;
}

/* Columns with one level tell nothing: out, with a notice. */
static void
drop_column(Sample *sample, int j, const char *why)
{
	ereport(NOTICE,
			(errmsg("characteristic \"%s\" is left out", sample->column[j].name),
			 errdetail("%s", why)));
	memmove(&sample->column[j], &sample->column[j + 1], sizeof(Column) * (sample->columns - j - 1));
	sample->columns--;
}

/* Values beyond the most frequent join the rest. */
static void
join_words(Column *column, CrmAdditivePart *part, int most)
{
	crm_words_iterator i;
	Word	   *word;

	column->value_count = most - 1 - (column->missing >= 0);
	column->other = column->value_count;
	part->levels = column->other + 1;
	if (column->missing >= 0)
		column->missing = part->levels++;
	crm_words_start_iterate(column->words, &i);
	while ((word = crm_words_iterate(column->words, &i)) != NULL)
		word->count = Min(word->count, column->other);
}

/* The most levels that each characteristic may have, so that all have no more than LEVELS_ALL. */
static int
level_limit(const Sample *sample, const CrmAdditive *model)
{
	for (int most = CRM_ADDITIVE_LEVELS; most > 2; most--)
	{
		int			all = 0;

		for (int j = 0; j < sample->columns; j++)
			all += Min(model->part[j].levels, most);
		if (all <= LEVELS_ALL)
			return most;
	}
	return 2;
}

/* Many characteristics get coarser levels, those with the finest first. */
static void
limit_levels(Sample *sample, CrmAdditive *model)
{
	int			most = level_limit(sample, model);
	int			coarser = 0;

	for (int j = 0; j < sample->columns; j++)
	{
		Column	   *column = &sample->column[j];

		if (model->part[j].levels <= most)
			continue;
		coarser++;
		if (column->is_number)
			level_numbers(sample, column, &model->part[j], most - (column->missing >= 0));
		else
			join_words(column, &model->part[j], most);
	}
	if (coarser > 0)
		ereport(NOTICE,
				(errmsg("%d characteristics have at most %d levels each", coarser, most),
				 errdetail("All %d together have at most %d.", sample->columns, LEVELS_ALL),
				 errhint("Name the characteristics that matter, and they have finer ones.")));
}

static void
make_levels(Sample *sample, CrmAdditive *model)
{
	uint8	   *one = MemoryContextAllocHuge(CurrentMemoryContext, Max(sample->rows, 1));
	uint8	   *level;

	model->part = palloc0(sizeof(CrmAdditivePart) * Max(sample->columns, 1));
	for (int j = 0; j < sample->columns;)
	{
		Column	   *column = &sample->column[j];
		int			all = sample->columns;
		int			used;

		if (!column->is_number)
			turn_into_numbers(sample, column);
		if (column->is_number)
			level_numbers(sample, column, &model->part[j], LEVELS_MOST);
		else
			level_words(sample, column, &model->part[j]);
		sample->columns = 1;
		fill_levels(sample, column, one);
		sample->columns = all;
		used = used_levels(one, sample->rows, 1);
		if (used < 2)
			drop_column(sample, j, "All rows have the same value, or nearly every row one of its own.");
		else
			j++;
	}
	limit_levels(sample, model);
	crm_score_room(sample->rows * sample->columns);
	level = MemoryContextAllocHuge(CurrentMemoryContext, Max(sample->rows * sample->columns, 1));
	for (int j = 0; j < sample->columns; j++)
		fill_levels(sample, &sample->column[j], level + j);
	model->parts = sample->columns;
	model->rows = sample->rows;
	model->level = level;
	model->y = sample->y;
	model->interrupt = crm_score_interrupt;
}

/* -- points ------------------------------------------------------------------------------------------ */

typedef struct Card
{
	double		factor;			/* points of one unit of log odds */
	int			points[CRM_ADDITIVE_LEVELS];
	int			lowest;
	int			highest;
} Card;

/* What nobody had yet stands in the middle, at no effect. */
static double
level_effect(const CrmAdditivePart *part, int level)
{
	return level < 0 || part->events[level] + part->others[level] == 0 ? 0 : part->effect[level];
}

static int
effect_points(const Card *card, double effect)
{
	return (int) rint(-card->factor * effect);
}

static void
make_points(const CrmAdditivePart *part, Card *card)
{
	card->lowest = card->highest = effect_points(card, level_effect(part, -1));
	for (int l = 0; l < part->levels; l++)
	{
		card->points[l] = effect_points(card, level_effect(part, l));
		card->lowest = Min(card->lowest, card->points[l]);
		card->highest = Max(card->highest, card->points[l]);
	}
}

/* -- the result: rows of crm.scorecard_bin ------------------------------------------------------------- */

typedef struct Output
{
	TupleDesc	description;
	Oid			type;
	Datum	   *bin;
	int			count;
	int			room;
	double		all_events;
	double		all_others;
} Output;

/* characteristic, position, kind, bin, bin_kind, lower, upper, members, points, woe, goods, bads, information_value */
typedef struct Bin
{
	const Column *column;
	int			position;
	int			number;
	const char *kind;
	double		lower;			/* -infinity: none */
	double		upper;
	ArrayType  *members;
	int			points;
	double		events;
	double		others;
	double		information;
} Bin;

static void
put_bin(Output *out, const Bin *bin)
{
	Datum		values[13];
	bool		nulls[13] = {0};

	values[0] = CStringGetTextDatum(bin->column->name);
	values[1] = Int32GetDatum(bin->position);
	values[2] = CStringGetTextDatum(bin->column->is_number ? "numeric" : "category");
	values[3] = Int32GetDatum(bin->number);
	values[4] = CStringGetTextDatum(bin->kind);
	values[5] = Float8GetDatum(bin->lower);
	nulls[5] = !isfinite(bin->lower);
	values[6] = Float8GetDatum(bin->upper);
	nulls[6] = !isfinite(bin->upper);
	values[7] = PointerGetDatum(bin->members);
	nulls[7] = bin->members == NULL;
	values[8] = Int32GetDatum(bin->points);
	values[9] = Float8GetDatum(crm_score_woe(bin->events, bin->others, out->all_events, out->all_others));
	values[10] = Float8GetDatum(bin->others);
	values[11] = Float8GetDatum(bin->events);
	values[12] = Float8GetDatum(bin->information);
	if (out->count == out->room)
	{
		out->room = Max(out->room * 2, 64);
		out->bin = out->bin ? repalloc(out->bin, sizeof(Datum) * out->room) : palloc(sizeof(Datum) * out->room);
	}
	out->bin[out->count++] = HeapTupleGetDatum(heap_form_tuple(out->description, values, nulls));
}

/* Neighbours of the same points are one bin. */
static void
put_ranges(Output *out, Bin *bin, const Column *column, const CrmAdditivePart *part, const Card *card)
{
	bin->kind = "range";
	for (int l = 0; l < part->ordered;)
	{
		bin->lower = l == 0 ? -INFINITY : column->edges[l - 1];
		bin->points = card->points[l] - card->lowest;
		bin->events = bin->others = 0;
		for (int first = l; l < part->ordered && card->points[l] == card->points[first]; l++)
		{
			bin->events += part->events[l];
			bin->others += part->others[l];
		}
		bin->upper = l == part->ordered ? INFINITY : column->edges[l - 1];
		bin->number++;
		put_bin(out, bin);
	}
	bin->lower = -INFINITY;
	bin->upper = INFINITY;
}

static void
put_values(Output *out, Bin *bin, const Column *column, const CrmAdditivePart *part, const Card *card)
{
	bool		done[VALUES_MOST] = {0};

	bin->kind = "values";
	for (int first = 0; first < column->value_count; first++)
	{
		Datum		members[VALUES_MOST];
		int			n = 0;

		if (done[first])
			continue;
		bin->points = card->points[first] - card->lowest;
		bin->events = bin->others = 0;
		for (int l = first; l < column->value_count; l++)
		{
			if (card->points[l] != card->points[first])
				continue;
			done[l] = true;
			members[n++] = CStringGetTextDatum(column->values[l]->text);
			bin->events += part->events[l];
			bin->others += part->others[l];
		}
		bin->members = construct_array(members, n, TEXTOID, -1, false, TYPALIGN_INT);
		bin->number++;
		put_bin(out, bin);
	}
	bin->members = NULL;
}

static void
put_rest(Output *out, Bin *bin, const char *kind, int level, const CrmAdditivePart *part, const Card *card)
{
	bin->kind = kind;
	bin->number++;
	bin->points = effect_points(card, level_effect(part, level)) - card->lowest;
	bin->events = level < 0 ? 0 : part->events[level];
	bin->others = level < 0 ? 0 : part->others[level];
	put_bin(out, bin);
}

static double
information(const CrmAdditivePart *part, const Output *out)
{
	double		sum = 0;

	for (int l = 0; l < part->levels; l++)
		sum += crm_score_iv(part->events[l], part->others[l], out->all_events, out->all_others);
	return sum;
}

static void
put_characteristic(Output *out, int position, const Column *column, const CrmAdditivePart *part, const Card *card)
{
	Bin			bin = {column, position, 0, NULL, -INFINITY, INFINITY, NULL, 0, 0, 0, information(part, out)};

	if (column->is_number)
		put_ranges(out, &bin, column, part, card);
	else
	{
		put_values(out, &bin, column, part, card);
		put_rest(out, &bin, "other", column->other, part, card);
	}
	put_rest(out, &bin, "missing", column->missing, part, card);
}

/* -- the whole ------------------------------------------------------------------------------------------ */

static void
refuse_sample(const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("no scorecard can be fitted"),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
check_sample(const Sample *sample, Output *out)
{
	for (Size r = 0; r < sample->rows; r++)
		out->all_events += sample->y[r];
	out->all_others = (double) sample->rows - out->all_events;
	if (sample->rows == 0)
		refuse_sample("There is no row whose target is known.", "Name a table with rows, and a target that is not null.");
	if (out->all_events == 0 || out->all_others == 0)
		refuse_sample("All rows have the same outcome.", "Give rows with and without the event; the target has two values.");
	if (sample->columns > CRM_ADDITIVE_PARTS)
		refuse_sample("There are more than 255 characteristics.", "Name the characteristics that matter.");
}

/* Edges of ten bands of the total, and the share of rows in each. */
static int
make_bands(const int *total, Size rows, double *edges, double *shares)
{
	double	   *sorted = MemoryContextAllocHuge(CurrentMemoryContext, rows * sizeof(double));
	int			n;
	Size		from = 0;

	for (Size r = 0; r < rows; r++)
		sorted[r] = total[r];
	qsort(sorted, rows, sizeof(double), double_order);
	n = crm_additive_edges(sorted, rows, BANDS, 1, edges);
	for (int b = 0; b <= n; b++)
	{
		Size		to = from;

		while (to < rows && (b == n || sorted[to] < edges[b]))
			to++;
		shares[b] = (double) (to - from) / (double) rows;
		from = to;
	}
	return n;
}

static double
total_auc(const Sample *sample, const int *total, const Output *out)
{
	uint64_t   *key[2];
	uint64_t   *spare = MemoryContextAllocHuge(CurrentMemoryContext, sample->rows * sizeof(uint64_t));
	Size		count[2] = {0, 0};

	for (int side = 0; side < 2; side++)
		key[side] = MemoryContextAllocHuge(CurrentMemoryContext, sample->rows * sizeof(uint64_t));
	for (Size r = 0; r < sample->rows; r++)
		key[sample->y[r]][count[sample->y[r]]++] = crm_score_key(-total[r]);
	for (int side = 0; side < 2; side++)
		crm_score_sort(key[side], spare, count[side]);
	return crm_score_auc(key[1], count[1], key[0], count[0]);
}

/* crm.scorecard_solve(query, names, base_score, base_odds, pdo) */
PG_FUNCTION_INFO_V1(crm_scorecard_solve);
Datum
crm_scorecard_solve(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	double		base_score = crm_score_finite(PG_GETARG_FLOAT8(2), "base_score");
	double		base_odds = crm_score_finite(PG_GETARG_FLOAT8(3), "base_odds");
	double		pdo = crm_score_finite(PG_GETARG_FLOAT8(4), "pdo");
	Sample		sample = {.context = AllocSetContextCreate(CurrentMemoryContext, "scorecard sample", ALLOCSET_DEFAULT_SIZES)};
	CrmAdditive model = {0};
	Output		out = {0};
	TupleDesc	description;
	Card		card;
	int		   *total;
	int			base;
	int			span = 0;
	int			kept = 0;
	double		edges[BANDS];
	double		shares[BANDS];
	int			bands;
	Datum		values[7];
	bool		nulls[7] = {0};

	if (!(base_odds > 0 && base_odds < 1e9 && pdo > 0 && pdo <= 10000 && fabs(base_score) <= 1e6))
		refuse_sample("base_odds and pdo are above 0 and at most 1000000000 and 10000, base_score is within a million.",
					  "For example 600 points at 19 non-events to one event, and 50 points to double the odds.");
	if (get_call_result_type(fcinfo, NULL, &description) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "result is not a row");
	out.type = get_element_type(TupleDescAttr(description, 6)->atttypid);
	out.description = lookup_rowtype_tupdesc_copy(out.type, -1);
	sample_read(&sample, query, PG_GETARG_ARRAYTYPE_P(1));
	check_sample(&sample, &out);
	make_levels(&sample, &model);
	if (!crm_additive_fit(&model, MemoryContextAllocHuge(CurrentMemoryContext, crm_additive_scratch(&model) * sizeof(double))))
		refuse_sample("The equations have no solution.", "Leave out characteristics that say the same.");

	card.factor = pdo / log(2);
	base = (int) rint(base_score - card.factor * (model.intercept + log(base_odds)));
	total = MemoryContextAllocHuge(CurrentMemoryContext, sample.rows * sizeof(int));
	memset(total, 0, sample.rows * sizeof(int));
	for (int j = 0; j < model.parts; j++)
	{
		make_points(&model.part[j], &card);
		base += card.lowest;
		if (card.lowest == card.highest)
		{
			ereport(NOTICE,
					(errmsg("characteristic \"%s\" gets no points", sample.column[j].name),
					 errdetail("Beside the others it tells nothing of the outcome.")));
			continue;
		}
		for (Size r = 0; r < sample.rows; r++)
			total[r] += card.points[model.level[r * model.parts + j]] - card.lowest;
		span += card.highest - card.lowest;
		put_characteristic(&out, ++kept, &sample.column[j], &model.part[j], &card);
	}
	if (kept == 0)
		refuse_sample("No characteristic tells anything of the outcome.", "Give characteristics that were known before the outcome, and more rows.");
	for (Size r = 0; r < sample.rows; r++)
		total[r] += base;
	bands = make_bands(total, sample.rows, edges, shares);
	values[0] = Int32GetDatum(base);
	values[1] = Int32GetDatum(base);
	values[2] = Int32GetDatum(base + span);
	values[3] = PointerGetDatum(crm_score_float_array(edges, bands));
	values[4] = PointerGetDatum(crm_score_float_array(shares, bands + 1));
	values[5] = Float8GetDatum(total_auc(&sample, total, &out));
	values[6] = PointerGetDatum(construct_array(out.bin, out.count, out.type, -1, false, TYPALIGN_DOUBLE));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(description), values, nulls));
}

/* Text of a column that the fit took for a number, as it was taken. */
PG_FUNCTION_INFO_V1(crm_score_number);
Datum
crm_score_number(PG_FUNCTION_ARGS)
{
	double		number;

	if (!read_number(text_to_cstring(PG_GETARG_TEXT_PP(0)), &number) || isnan(number))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(number);
}
