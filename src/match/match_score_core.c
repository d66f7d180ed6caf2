/*
 * match_score_core.c: vectors of pairs, their weights, the rarity of values, and
 * the pass that scores every candidate.
 */
#include "match_inside_core.h"

#include <math.h>
#include <stdlib.h>

static inline size_t
length_of(const unsigned char *prepared, int comparison)
{
	return (size_t) prepared[1 + 2 * comparison] << 8 | prepared[2 + 2 * comparison];
}

uint64_t
crm_match_compare(const CrmMatchSettings *settings, const unsigned char *a, const unsigned char *b)
{
	int			count = settings->comparison_count;
	const unsigned char *x = a + 1 + 2 * count;
	const unsigned char *y = b + 1 + 2 * count;
	uint64_t	vector = 0;

	for (int i = 0; i < count; i++)
	{
		const CrmMatchComparison *comparison = &settings->comparison[i];
		size_t		n = length_of(a, i);
		size_t		m = length_of(b, i);

		if (n > 0 && m > 0)
			vector |= (uint64_t) (comparison->kind->compare(&comparison->arg, x, n, y, m) & 15) << (4 * i);
		x += n;
		y += m;
	}
	return vector;
}

bool
crm_match_is_conflict(const CrmMatchSettings *settings, uint64_t vector)
{
	for (int i = 0; i < settings->comparison_count; i++)
	{
		const CrmMatchKind *kind = settings->comparison[i].kind;

		if (crm_match_level(vector, i) == crm_match_kind_levels(kind) - 1 && crm_match_kind_conflicts(kind))
			return true;
	}
	return false;
}

/* -- weights ------------------------------------------------------------------ */

void
crm_match_scale(const CrmMatchModel *model, CrmMatchScale *scale)
{
	memset(scale, 0, sizeof(*scale));
	scale->comparisons = model->comparison_count;
	scale->classes = model->classes;
	scale->match_classes = model->match_classes;
	for (int k = 0; k < model->classes; k++)
	{
		scale->base[k] = (float) log2(fmax(model->share[k], 1e-30));
		for (int i = 0; i < model->comparison_count; i++)
			for (int level = 1; level < CRM_MATCH_LEVEL_MAX; level++)
				scale->bits[i][level][k] = (float) log2(fmax(model->chance[k][i][level], 1e-12));
	}
}

/* log2 of a sum of powers of two. */
static double
log_sum(const float *bits, int from, int to)
{
	float		most = bits[from];
	float		sum = 0;

	for (int k = from + 1; k < to; k++)
		most = bits[k] > most ? bits[k] : most;
	if (to - from == 1)
		return most;
	for (int k = from; k < to; k++)
		if (bits[k] > most - 30)
			sum += exp2f(bits[k] - most);
	return most + log2f(sum);
}

double
crm_match_vector_weight(const CrmMatchScale *scale, uint64_t vector)
{
	float		bits[CRM_MATCH_CLASS_MAX];

	for (int k = 0; k < scale->classes; k++)
		bits[k] = scale->base[k];
	for (int i = 0; i < scale->comparisons; i++)
		for (int k = 0, level = crm_match_level(vector, i); k < scale->classes; k++)
			bits[k] += scale->bits[i][level][k];
	return log_sum(bits, 0, scale->match_classes) - log_sum(bits, scale->match_classes, scale->classes);
}

double
crm_match_probability(double weight)
{
	return weight > 60 ? 1 : weight < -1000 ? 0 : 1 / (1 + exp2(-weight));
}

/* -- rarity ------------------------------------------------------------------- */

#define TERM_LEAST	(-6.0)		/* bits that a frequent value may cost */
#define TERM_MOST	10.0		/* and that a rare one may earn */

/* What the frequency of a value adds to the weight of its level, whose mean frequency is known. */
static double
term_bits(double mean, double rarity)
{
	double		bits = log2(mean) + rarity;

	return bits < TERM_LEAST ? TERM_LEAST : bits > TERM_MOST ? TERM_MOST : bits;
}

double
crm_match_pair_terms(const CrmMatchEngine *engine, uint32_t a, uint32_t b, uint64_t vector)
{
	double		bits = 0;

	for (int i = 0; i < engine->settings.comparison_count; i++)
	{
		int			level = crm_match_level(vector, i);
		int			slot = engine->slot_of[i][level];
		int			rarity;

		if (slot < 0)
			continue;
		rarity = engine->slot[slot].rarity[a] < engine->slot[slot].rarity[b] ?
			engine->slot[slot].rarity[a] : engine->slot[slot].rarity[b];
		if (rarity > 0)
			bits += term_bits(engine->model.term_share[i][level], rarity / CRM_MATCH_RARITY_STEP);
	}
	return bits;
}

/* The most that they can add, whatever the values. */
static double
terms_most(const CrmMatchEngine *engine, uint64_t vector)
{
	double		bits = 0;

	for (int i = 0; i < engine->settings.comparison_count; i++)
		bits += engine->slot_of[i][crm_match_level(vector, i)] < 0 ? 0 : TERM_MOST;
	return bits;
}

/* Terms of one slot: sorted, counted, and the rarity written back to each record. */
static CrmMatchCode
count_slot(CrmMatchEngine *engine, CrmMatchSlot *slot, CrmMatchEntry *entry, CrmMatchEntry *other)
{
	const CrmMatchKind *kind = engine->settings.comparison[slot->comparison].kind;
	size_t		count = 0;
	size_t		terms = 0;
	double		mean = 0;

	for (size_t i = 0; i < engine->records; i++)
	{
		size_t		length;
		const unsigned char *value = crm_match_value(engine->record[i], slot->comparison, &length);
		uint64_t	hash = length == 0 ? 0 : kind->term(value, length, slot->level);

		slot->rarity[i] = 0;
		if (hash == 0)
			continue;
		entry[count].hash = hash;
		entry[count++].record = (uint32_t) i;
	}
	crm_match_sort(entry, other, count);
	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t from = 0, to; from < count; from = to)
		{
			double		share;
			double		bits;

			for (to = from + 1; to < count && entry[to].hash == entry[from].hash; to++)
				;
			share = (double) (to - from) / (double) count;
			if (pass == 0)
			{
				terms += to - from > 1;
				mean += share * ((double) (to - from) - 1) / (double) (count > 1 ? count - 1 : 1);
				continue;
			}
			bits = -log2(share) * CRM_MATCH_RARITY_STEP;
			for (size_t i = from; i < to; i++)
				slot->rarity[entry[i].record] = (uint8_t) (bits < 1 ? 1 : bits > 255 ? 255 : bits);
			if (to - from > 1)
				slot->term[slot->terms++] = (CrmMatchTerm) {slot->comparison, slot->level, entry[from].hash, to - from};
		}
		if (pass == 0 && (slot->term = crm_match_take(engine, terms + 1, sizeof(CrmMatchTerm))) == NULL)
			return CRM_MATCH_NO_MEMORY;
	}
	engine->model.term_share[slot->comparison][slot->level] = mean;
	return CRM_MATCH_OK;
}

/* Whether some record has a term at the level. */
static bool
has_terms(const CrmMatchEngine *engine, int comparison, int level)
{
	const CrmMatchKind *kind = engine->settings.comparison[comparison].kind;
	size_t		tried = 0;

	for (size_t i = 0; i < engine->records && tried < 100; i++)
	{
		size_t		length;
		const unsigned char *value = crm_match_value(engine->record[i], comparison, &length);

		tried += length > 0;
		if (length > 0 && kind->term(value, length, level) != 0)
			return true;
	}
	return false;
}

CrmMatchCode
crm_match_count_terms(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	CrmMatchEntry *entry;
	CrmMatchEntry *other;
	CrmMatchCode code = CRM_MATCH_OK;

	if (engine->termed)
		return CRM_MATCH_OK;
	memset(engine->slot_of, -1, sizeof(engine->slot_of));
	entry = crm_match_take(engine, engine->records + 1, sizeof(*entry));
	other = crm_match_take(engine, engine->records + 1, sizeof(*other));
	if (entry == NULL || other == NULL)
		code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "terms");
	for (int i = 0; i < engine->settings.comparison_count && code == CRM_MATCH_OK; i++)
	{
		const CrmMatchComparison *comparison = &engine->settings.comparison[i];

		if (!comparison->term_frequency || comparison->kind->term == NULL)
			continue;
		for (int level = 1; level < crm_match_kind_levels(comparison->kind) && code == CRM_MATCH_OK; level++)
		{
			CrmMatchSlot *slot = &engine->slot[engine->slots];

			if (engine->slots == CRM_MATCH_SLOT_MAX || !has_terms(engine, i, level))
				continue;
			slot->comparison = i;
			slot->level = level;
			slot->rarity = crm_match_take(engine, engine->records + 1, 1);
			engine->slots++;
			if (slot->rarity == NULL || count_slot(engine, slot, entry, other) != CRM_MATCH_OK)
				code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "terms");
			engine->slot_of[i][level] = (int8_t) (engine->slots - 1);
			if (crm_match_stop(engine))
				code = crm_match_fail(fault, CRM_MATCH_CANCELED, "terms");
		}
	}
	crm_match_give(engine, entry, engine->records + 1, sizeof(*entry));
	crm_match_give(engine, other, engine->records + 1, sizeof(*other));
	engine->termed = code == CRM_MATCH_OK;
	return code;
}

bool
crm_match_next_term(const CrmMatchEngine *engine, size_t *at, CrmMatchTerm *term)
{
	size_t		skip = *at;

	for (int i = 0; i < engine->slots; i++)
	{
		if (skip < engine->slot[i].terms)
		{
			*term = engine->slot[i].term[skip];
			(*at)++;
			return true;
		}
		skip -= engine->slot[i].terms;
	}
	return false;
}

/* -- one pair ----------------------------------------------------------------- */

static double
step_term(const CrmMatchSettings *settings, const CrmMatchModel *model, int comparison, int level,
		  const unsigned char *a, const unsigned char *b, CrmMatchCount count, void *context)
{
	const CrmMatchComparison *use = &settings->comparison[comparison];
	uint64_t	most = 0;
	double		rarity;

	if (!use->term_frequency || level == 0 || count == NULL || model->records == 0 || model->term_share[comparison][level] <= 0)
		return 0;
	for (int side = 0; side < 2; side++)
	{
		size_t		length;
		const unsigned char *value = crm_match_value(side == 0 ? a : b, comparison, &length);
		uint64_t	term = use->kind->term(value, length, level);
		uint64_t	found;

		if (term == 0)
			return 0;
		found = count(context, comparison, level, term);
		most = found > most ? found : most;
	}
	rarity = -log2((double) (most < 2 ? 2 : most) / (double) model->records);
	return term_bits(model->term_share[comparison][level], rarity < 0 ? 0 : rarity);
}

void
crm_match_score(const CrmMatchSettings *settings, const CrmMatchModel *model, const unsigned char *a,
				const unsigned char *b, CrmMatchCount count, void *context, CrmMatchScore *score)
{
	CrmMatchScale scale;
	double		sum;

	memset(score, 0, sizeof(*score));
	crm_match_scale(model, &scale);
	score->vector = crm_match_compare(settings, a, b);
	score->conflict = crm_match_is_conflict(settings, score->vector);
	score->prior = log2(fmax(model->prior, 1e-30) / fmax(1 - model->prior, 1e-30));
	score->weight = model->classes > 0 ? crm_match_vector_weight(&scale, score->vector) : 0;
	sum = score->prior;
	for (int i = 0; i < settings->comparison_count; i++)
	{
		CrmMatchStep *step = &score->step[i];

		step->level = crm_match_level(score->vector, i);
		step->weight = step->level == 0 ? 0 : model->weight[i][step->level];
		step->term = step_term(settings, model, i, step->level, a, b, count, context);
		score->weight += step->term;
		sum += step->weight + step->term;
	}
	score->interplay = score->weight - sum;
	score->probability = crm_match_probability(score->weight);
}

/* -- all candidates ----------------------------------------------------------- */

typedef struct PairBag
{
	CrmMatchPair *pair;
	size_t		pairs;
	size_t		room;
	uint64_t	candidates;
	uint64_t	by_rule[CRM_MATCH_RULE_MAX];
} PairBag;

/*
 * Pairs are many and vectors few: what a vector weighs is worked out once in a
 * while, by each thread for itself.  Any vector may stand in any place of the
 * memo, which begins with that of nothing known.
 */
#define MEMO 4096

typedef struct Weighed
{
	uint64_t	vector;
	double		weight;			/* without terms */
	double		most;			/* with the rarest of values */
} Weighed;

typedef struct Predicting
{
	CrmMatchEngine *engine;
	CrmMatchScale scale;
	CrmMatchFinder *finder;
	Weighed    *memo;			/* MEMO of them for each thread */
	PairBag    *bag;
	size_t		first;			/* task of this part */
} Predicting;

static void
weigh(const Predicting *predicting, Weighed *at, uint64_t vector)
{
	at->vector = vector;
	at->weight = crm_match_vector_weight(&predicting->scale, vector);
	at->most = at->weight + terms_most(predicting->engine, vector);
}

static bool
open_memo(Predicting *predicting, int threads)
{
	Weighed		nothing;

	predicting->memo = malloc((size_t) threads * MEMO * sizeof(Weighed));
	if (predicting->memo == NULL)
		return false;
	weigh(predicting, &nothing, 0);
	for (size_t i = 0; i < (size_t) threads * MEMO; i++)
		predicting->memo[i] = nothing;
	return true;
}

static bool
keep_pair(CrmMatchEngine *engine, PairBag *bag, const CrmMatchPair *pair)
{
	if (bag->pairs == bag->room)
	{
		size_t		room = bag->room == 0 ? 256 : bag->room * 2;
		CrmMatchPair *more = crm_match_take_more(engine, bag->pair, bag->room, room, sizeof(*more));

		if (more == NULL)
			return false;
		bag->pair = more;
		bag->room = room;
	}
	bag->pair[bag->pairs++] = *pair;
	return true;
}

/* The vector of a pair that is not kept serves nobody, nor does the rarity of its values. */
static bool
score_found(Predicting *predicting, int thread, PairBag *bag)
{
	const CrmMatchEngine *engine = predicting->engine;
	CrmMatchFinder *finder = &predicting->finder[thread];
	Weighed    *memo = predicting->memo + (size_t) thread * MEMO;

	for (size_t i = 0; i < finder->count; i++)
	{
		const CrmMatchFound *found = &finder->found[i];
		CrmMatchPair pair = {.left = found->left, .right = found->right, .rule = (uint16_t) found->rule};
		Weighed    *at;

		crm_match_look_ahead(engine, finder->found, finder->count, i);
		bag->by_rule[pair.rule]++;
		pair.vector = crm_match_compare(&engine->settings, engine->record[pair.left], engine->record[pair.right]);
		at = &memo[crm_match_stir(pair.vector) % MEMO];
		if (at->vector != pair.vector)
			weigh(predicting, at, pair.vector);
		if (at->most < engine->settings.keep_weight)
			continue;
		pair.weight = (float) (at->weight + crm_match_pair_terms(engine, pair.left, pair.right, pair.vector));
		if (pair.weight < engine->settings.keep_weight)
			continue;
		pair.conflict = crm_match_is_conflict(&engine->settings, pair.vector);
		if (!keep_pair(predicting->engine, bag, &pair))
			return false;
	}
	bag->candidates += finder->count;
	finder->count = 0;
	return true;
}

static bool
score_task(void *state, int thread, size_t task)
{
	Predicting *predicting = state;
	CrmMatchFinder *finder = &predicting->finder[thread];
	PairBag    *bag = &predicting->bag[task];
	size_t		from = (predicting->first + task) * CRM_MATCH_TASK;
	size_t		to = from + CRM_MATCH_TASK;

	if (to > predicting->engine->records)
		to = predicting->engine->records;
	for (size_t record = from; record < to; record++)
		if (!crm_match_find(predicting->engine, finder, (uint32_t) record, -1) ||
			(finder->count >= CRM_MATCH_FOUND_ENOUGH && !score_found(predicting, thread, bag)))
			return false;
	return score_found(predicting, thread, bag);
}

static int
by_left(const void *a, const void *b)
{
	const CrmMatchPair *x = a;
	const CrmMatchPair *y = b;

	if (x->right != y->right)
		return x->right < y->right ? -1 : 1;
	return x->left < y->left ? -1 : x->left > y->left;
}

static bool
more_pairs(CrmMatchEngine *engine, size_t count)
{
	size_t		room = engine->pairs + count + 1;
	CrmMatchPair *pair = crm_match_take_more(engine, engine->pair, engine->pair_room, room, sizeof(*pair));

	if (pair == NULL)
		return false;
	engine->pair = pair;
	engine->pair_room = room;
	return true;
}

static CrmMatchCode
gather(Predicting *predicting, size_t tasks, CrmMatchFault *fault)
{
	CrmMatchEngine *engine = predicting->engine;
	size_t		total = 0;

	for (size_t i = 0; i < tasks; i++)
		total += predicting->bag[i].pairs;
	if (!more_pairs(engine, total))
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "pairs");
	for (size_t i = 0; i < tasks; i++)
	{
		PairBag    *bag = &predicting->bag[i];

		if (bag->pairs > 0)
		{
			memcpy(engine->pair + engine->pairs, bag->pair, bag->pairs * sizeof(CrmMatchPair));
			qsort(engine->pair + engine->pairs, bag->pairs, sizeof(CrmMatchPair), by_left);
		}
		engine->pairs += bag->pairs;
		engine->candidates += bag->candidates;
		for (int j = 0; j < engine->settings.rule_count; j++)
			engine->report[j].pairs += bag->by_rule[j];
		crm_match_give(engine, bag->pair, bag->room, sizeof(CrmMatchPair));
		bag->pair = NULL;
	}
	return CRM_MATCH_OK;
}

CrmMatchCode
crm_match_predict_begin(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	CrmMatchCode code;

	if (!engine->model.trained)
		return crm_match_fail(fault, CRM_MATCH_ORDER, "the model has not been trained");
	code = crm_match_block(engine, fault);
	if (code == CRM_MATCH_OK)
		code = crm_match_count_terms(engine, fault);
	crm_match_give(engine, engine->pair, engine->pair_room, sizeof(CrmMatchPair));
	engine->pair = NULL;
	engine->pair_room = engine->pairs = 0;
	engine->candidates = 0;
	for (int i = 0; i < engine->settings.rule_count; i++)
		engine->report[i].pairs = 0;
	return code;
}

static size_t
all_tasks(const CrmMatchEngine *engine)
{
	return (engine->records + CRM_MATCH_TASK - 1) / CRM_MATCH_TASK;
}

int
crm_match_predict_parts(const CrmMatchEngine *engine)
{
	size_t		tasks = all_tasks(engine);

	return tasks < 1 ? 1 : tasks > CRM_MATCH_PARTS ? CRM_MATCH_PARTS : (int) tasks;
}

static CrmMatchCode
predict_tasks(CrmMatchEngine *engine, size_t first, size_t tasks, CrmMatchFault *fault)
{
	Predicting	predicting = {.engine = engine, .first = first};
	int			threads = crm_match_threads(engine);
	CrmMatchCode code = CRM_MATCH_OK;

	crm_match_scale(&engine->model, &predicting.scale);
	predicting.finder = calloc((size_t) threads, sizeof(CrmMatchFinder));
	predicting.bag = calloc(tasks + 1, sizeof(PairBag));
	for (int i = 0; i < threads && predicting.finder != NULL; i++)
		if (!crm_match_finder_open(engine, &predicting.finder[i]))
			code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "pairs");
	if (predicting.finder == NULL || predicting.bag == NULL || !open_memo(&predicting, threads))
		code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "pairs");
	if (code == CRM_MATCH_OK)
		code = crm_match_parallel(engine, "pairs", tasks, score_task, &predicting, fault);
	if (code == CRM_MATCH_OK)
		code = gather(&predicting, tasks, fault);
	for (int i = 0; i < threads && predicting.finder != NULL; i++)
		crm_match_finder_close(engine, &predicting.finder[i]);
	for (size_t i = 0; i < tasks && predicting.bag != NULL; i++)
		crm_match_give(engine, predicting.bag[i].pair, predicting.bag[i].room, sizeof(CrmMatchPair));
	free(predicting.finder);
	free(predicting.memo);
	free(predicting.bag);
	return code;
}

CrmMatchCode
crm_match_predict_part(CrmMatchEngine *engine, int part, CrmMatchFault *fault)
{
	size_t		tasks = all_tasks(engine);
	size_t		parts = (size_t) crm_match_predict_parts(engine);
	size_t		first = tasks * (size_t) part / parts;

	return predict_tasks(engine, first, tasks * ((size_t) part + 1) / parts - first, fault);
}

CrmMatchCode
crm_match_take_over(CrmMatchEngine *engine, const CrmMatchPair *pair, size_t pairs, uint64_t candidates,
					const uint64_t *by_rule, CrmMatchFault *fault)
{
	if (!more_pairs(engine, pairs))
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "pairs");
	if (pairs > 0)
		memcpy(engine->pair + engine->pairs, pair, pairs * sizeof(*pair));
	engine->pairs += pairs;
	engine->candidates += candidates;
	for (int i = 0; i < engine->settings.rule_count; i++)
		engine->report[i].pairs += by_rule[i];
	return CRM_MATCH_OK;
}

CrmMatchCode
crm_match_predict(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	CrmMatchCode code = crm_match_predict_begin(engine, fault);

	return code == CRM_MATCH_OK ? predict_tasks(engine, 0, all_tasks(engine), fault) : code;
}
