/*
 * match_train_core.c: the model from the data alone.
 *
 * u comes from pairs taken at random, m from expectation-maximisation over the
 * candidates; both see counts of distinct vectors, never single pairs.  The
 * number of all pairs is known, so that the share of matches is a share of all
 * pairs and a weight of 0 means even chances.
 */
#include "match_inside_core.h"

#include <math.h>
#include <stdlib.h>

#define SAMPLE_PAIRS	2500000.0	/* candidates that training looks at */
#define RANDOM_TASK		20000
#define ANCHOR			10.0		/* matches that the first guess of m counts for */

#define CONFLICT_MOST	0.002	/* matches that contradict each other */
#define SEED_FOR		10.0	/* bits for a match, and against it, of a pair of relatives */
#define SEED_AGAINST	(-5.0)

#define EM_ROUNDS		40
#define RELATIVES		2		/* classes of them: a household is not a town */
#define EM_STILL		1e-5	/* m that moves less in a round has settled */
#define MATCH_LEAST		0.5		/* like the farthest class: another class of matches */
#define JUDGED_LEAST	10		/* pairs that people judged, before they move the threshold */
#define THRESHOLD_MOST	15.0	/* bits */
#define PLAUSIBLE		0.5		/* like matches as one imagines them: households reach .35, real matches .8 */
#define FIELD_LEAST		0.5		/* bits of a field that tells matches from others */
#define CLASS_LEAST		5.0		/* pairs that a class must have to be a measure for others */

/* -- tally -------------------------------------------------------------------- */

static bool
tally_grow(CrmMatchEngine *engine, CrmMatchTally *tally)
{
	size_t		room = tally->room == 0 ? 1024 : tally->room * 2;
	CrmMatchVector *entry = crm_match_take(engine, room, sizeof(*entry));

	if (entry == NULL)
		return false;
	memset(entry, 0, room * sizeof(*entry));
	for (size_t i = 0; i < tally->room; i++)
	{
		size_t		at;

		if (tally->entry[i].count == 0)
			continue;
		for (at = crm_match_stir(tally->entry[i].vector) & (room - 1); entry[at].count != 0;)
			at = (at + 1) & (room - 1);
		entry[at] = tally->entry[i];
	}
	crm_match_give(engine, tally->entry, tally->room, sizeof(*entry));
	tally->entry = entry;
	tally->room = room;
	return true;
}

bool
crm_match_tally_add(CrmMatchEngine *engine, CrmMatchTally *tally, uint64_t vector, uint64_t count)
{
	size_t		at;

	if (tally->used * 2 >= tally->room && !tally_grow(engine, tally))
		return false;
	at = crm_match_stir(vector) & (tally->room - 1);
	while (tally->entry[at].count != 0 && tally->entry[at].vector != vector)
		at = (at + 1) & (tally->room - 1);
	tally->used += tally->entry[at].count == 0;
	tally->entry[at].vector = vector;
	tally->entry[at].count += count;
	return true;
}

void
crm_match_tally_free(CrmMatchEngine *engine, CrmMatchTally *tally)
{
	crm_match_give(engine, tally->entry, tally->room, sizeof(CrmMatchVector));
	memset(tally, 0, sizeof(*tally));
}

static int
by_vector(const void *a, const void *b)
{
	const CrmMatchVector *x = a;
	const CrmMatchVector *y = b;

	return x->vector < y->vector ? -1 : x->vector > y->vector;
}

/* Tallies of threads in one, in an order that does not depend on the threads. */
static bool
tally_merge(CrmMatchEngine *engine, CrmMatchTally *part, int parts, CrmMatchTally *whole)
{
	size_t		used = 0;
	bool		ok = true;

	for (int i = 0; i < parts; i++)
	{
		for (size_t at = 0; at < part[i].room && ok; at++)
			if (part[i].entry[at].count != 0)
				ok = crm_match_tally_add(engine, whole, part[i].entry[at].vector, part[i].entry[at].count);
		crm_match_tally_free(engine, &part[i]);
	}
	for (size_t at = 0; at < whole->room; at++)
		if (whole->entry[at].count != 0)
			whole->entry[used++] = whole->entry[at];
	if (used > 0)
		qsort(whole->entry, used, sizeof(CrmMatchVector), by_vector);
	return ok;
}

/* -- pairs at random ---------------------------------------------------------- */

typedef struct Sampling
{
	CrmMatchEngine *engine;
	CrmMatchTally *tally;		/* one per thread */
	CrmMatchFinder *finder;
	uint64_t	pairs;			/* at random, wanted */
	bool		all;			/* the table is so small that every pair is taken */
	uint64_t	part;			/* of 2^32: records whose candidates are counted */
	int			rule;
	uint64_t   *counted;
} Sampling;

static bool
linkable(const CrmMatchEngine *engine, uint32_t a, uint32_t b)
{
	return a != b && (engine->settings.link != CRM_MATCH_LINK_ONLY || engine->source[a] != engine->source[b]);
}

/* Counts the vectors of what was found. */
static bool
count_found(Sampling *sampling, int thread, const CrmMatchFound *found, size_t count)
{
	CrmMatchEngine *engine = sampling->engine;

	for (size_t i = 0; i < count; i++)
	{
		crm_match_look_ahead(engine, found, count, i);
		if (!crm_match_tally_add(engine, &sampling->tally[thread],
								 crm_match_compare(&engine->settings, engine->record[found[i].left], engine->record[found[i].right]), 1))
			return false;
	}
	sampling->counted[thread] += count;
	return true;
}

/* Pairs at random, or one record with all before it where every pair is taken. */
static bool
random_task(void *state, int thread, size_t task)
{
	Sampling   *sampling = state;
	size_t		records = sampling->engine->records;
	size_t		pairs = sampling->all ? task : RANDOM_TASK;
	uint64_t	seed = crm_match_stir(sampling->engine->settings.seed * 31 + task);
	CrmMatchFound found[CRM_MATCH_FOUND_ENOUGH];
	size_t		count = 0;

	for (size_t i = 0; i < pairs; i++)
	{
		uint32_t	a = sampling->all ? (uint32_t) i : (uint32_t) (crm_match_random(&seed) % records);
		uint32_t	b = sampling->all ? (uint32_t) task : (uint32_t) (crm_match_random(&seed) % records);

		if (linkable(sampling->engine, a, b))
			found[count++] = (CrmMatchFound) {a, b, 0};
		if (count == CRM_MATCH_FOUND_ENOUGH || i + 1 == pairs)
		{
			if (!count_found(sampling, thread, found, count))
				return false;
			count = 0;
		}
	}
	return true;
}

static bool
candidate_task(void *state, int thread, size_t task)
{
	Sampling   *sampling = state;
	CrmMatchEngine *engine = sampling->engine;
	CrmMatchFinder *finder = &sampling->finder[thread];
	size_t		from = task * CRM_MATCH_TASK;
	size_t		to = from + CRM_MATCH_TASK < engine->records ? from + CRM_MATCH_TASK : engine->records;

	for (size_t record = from; record < to; record++)
	{
		bool		taken = (crm_match_stir(record * 2654435761u + engine->settings.seed) & UINT32_MAX) < sampling->part;

		if (taken && !crm_match_find(engine, finder, (uint32_t) record, sampling->rule))
			return false;
		if (finder->count >= CRM_MATCH_FOUND_ENOUGH || record + 1 == to)
		{
			if (!count_found(sampling, thread, finder->found, finder->count))
				return false;
			finder->count = 0;
		}
	}
	return true;
}

static CrmMatchCode
sample(Sampling *sampling, const char *phase, size_t tasks, CrmMatchWork work, CrmMatchTally *whole,
	   uint64_t *counted, CrmMatchFault *fault)
{
	CrmMatchEngine *engine = sampling->engine;
	int			threads = crm_match_threads(engine);
	CrmMatchTally tally[64] = {{0}};
	CrmMatchFinder finder[64] = {{0}};
	uint64_t	count[64] = {0};
	CrmMatchCode code = CRM_MATCH_OK;

	sampling->tally = tally;
	sampling->finder = finder;
	sampling->counted = count;
	for (int i = 0; i < threads && work == candidate_task; i++)
		if (!crm_match_finder_open(engine, &finder[i]))
			code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, phase);
	if (code == CRM_MATCH_OK)
		code = crm_match_parallel(engine, phase, tasks, work, sampling, fault);
	for (int i = 0; i < threads && work == candidate_task; i++)
		crm_match_finder_close(engine, &finder[i]);
	crm_match_tally_free(engine, whole);
	if (!tally_merge(engine, tally, threads, whole) && code == CRM_MATCH_OK)
		code = crm_match_fail(fault, CRM_MATCH_NO_MEMORY, phase);
	for (int i = 0; i < threads; i++)
		*counted += count[i];
	return code;
}

/* -- the mixture -------------------------------------------------------------- */

typedef struct Fit
{
	CrmMatchEngine *engine;
	int			comparisons;
	int			levels[CRM_MATCH_COMPARISON_MAX];
	double		all_pairs;
	const CrmMatchTally *near;	/* candidates */
	double		near_scale;		/* pairs that one count stands for */
	const CrmMatchTally *far;	/* pairs at random */
	double		far_scale;
	bool		keep_u;
	CrmMatchModel model;
} Fit;

/* A first guess: strong levels are frequent among matches, conflicts rare. */
static void
guess_m(const Fit *fit, int comparison, double *chance)
{
	const CrmMatchKind *kind = fit->engine->settings.comparison[comparison].kind;
	int			last = fit->levels[comparison] - 1;
	double		sum = 0;

	memset(chance, 0, CRM_MATCH_LEVEL_MAX * sizeof(double));
	for (int level = 1; level <= last; level++)
	{
		chance[level] = level == 1 ? 0.8 : 0.2 * exp2(-(level - 1));
		if (level == last)
			chance[level] = crm_match_kind_conflicts(kind) ? 0.002 : 0.08;
		sum += chance[level];
	}
	for (int level = 1; level <= last; level++)
		chance[level] /= sum;
}

/* Chances that each class made the vector; they sum to 1. */
static void
judge(const CrmMatchScale *scale, uint64_t vector, double *chance)
{
	float		bits[CRM_MATCH_CLASS_MAX];
	float		most = -1e30f;
	double		sum = 0;

	for (int k = 0; k < scale->classes; k++)
		bits[k] = scale->base[k];
	for (int i = 0; i < scale->comparisons; i++)
		for (int k = 0, level = crm_match_level(vector, i); k < scale->classes; k++)
			bits[k] += scale->bits[i][level][k];
	for (int k = 0; k < scale->classes; k++)
		most = bits[k] > most ? bits[k] : most;
	for (int k = 0; k < scale->classes; k++)
		sum += chance[k] = exp2(bits[k] - most);
	for (int k = 0; k < scale->classes; k++)
		chance[k] /= sum;
}

typedef double LevelSum[CRM_MATCH_COMPARISON_MAX][CRM_MATCH_LEVEL_MAX];

/* Sums of class chances by level over a tally. */
static void
expect(const Fit *fit, const CrmMatchScale *scale, const CrmMatchTally *tally, double weight,
	   LevelSum *sum, double *total)
{
	memset(sum, 0, sizeof(LevelSum) * CRM_MATCH_CLASS_MAX);
	memset(total, 0, sizeof(double) * CRM_MATCH_CLASS_MAX);
	for (size_t at = 0; at < tally->used; at++)
	{
		double		chance[CRM_MATCH_CLASS_MAX];
		double		count = (double) tally->entry[at].count * weight;

		judge(scale, tally->entry[at].vector, chance);
		for (int k = 0; k < scale->classes; k++)
		{
			total[k] += chance[k] * count;
			for (int i = 0; i < fit->comparisons; i++)
				sum[k][i][crm_match_level(tally->entry[at].vector, i)] += chance[k] * count;
		}
	}
}

/* Chances of levels from sums, with a first guess that counts for some pairs. */
static void
settle(const Fit *fit, int comparison, const double *sum, const double *guess, double anchor, double *chance)
{
	double		total = 0;

	for (int level = 1; level < fit->levels[comparison]; level++)
		total += sum[level] + anchor * guess[level];
	for (int level = 1; level < fit->levels[comparison]; level++)
		chance[level] = total > 0 ? (sum[level] + anchor * guess[level]) / total : guess[level];
}

/*
 * u of one field: from pairs at random where enough of them show the level, else
 * from the candidates, which hold nearly all pairs that agree on a rare level.
 */
static void
settle_u(const Fit *fit, int comparison, const double *far, const double *near, double *chance)
{
	double		total = 0;
	double		sum = 0;

	for (int level = 1; level < fit->levels[comparison]; level++)
		total += far[level];
	for (int level = 1; level < fit->levels[comparison]; level++)
	{
		double		seen = far[level] / fit->far_scale;
		double		least = 0.25 * fit->far_scale;

		chance[level] = far[level];
		if (seen < 30 && near[level] > 0 && near[level] < 30 * fit->far_scale)
			chance[level] = seen * far[level] / 30 + (1 - seen / 30) * near[level];
		if (chance[level] < least && near[level] < least)
			chance[level] = fmax(near[level], least / 16);
		sum += chance[level];
	}
	for (int level = 1; level < fit->levels[comparison] && sum > 0; level++)
		chance[level] /= sum;
	(void) total;
}

/* Matches hardly ever contradict each other: a ceiling that the data cannot lift. */
static void
limit_conflict(const Fit *fit, int comparison, double *chance)
{
	int			last = fit->levels[comparison] - 1;
	double		excess = chance[last] - CONFLICT_MOST;

	if (!crm_match_kind_conflicts(fit->engine->settings.comparison[comparison].kind) || excess <= 0)
		return;
	for (int level = 1; level < last; level++)
		chance[level] *= (1 - CONFLICT_MOST) / (1 - chance[last]);
	chance[last] = CONFLICT_MOST;
}

/* One round of expectation and maximisation; how far m moved. */
static double
em_round(Fit *fit)
{
	CrmMatchModel *model = &fit->model;
	CrmMatchScale scale;
	static __thread LevelSum near[CRM_MATCH_CLASS_MAX];
	static __thread LevelSum far[CRM_MATCH_CLASS_MAX];
	double		near_total[CRM_MATCH_CLASS_MAX];
	double		far_total[CRM_MATCH_CLASS_MAX];
	double		moved = 0;
	double		matches = 0;
	int			last = model->classes - 1;

	crm_match_scale(model, &scale);
	expect(fit, &scale, fit->near, fit->near_scale, near, near_total);
	expect(fit, &scale, fit->far, fit->far_scale, far, far_total);
	for (int k = 0; k < last; k++)
	{
		model->share[k] = (near_total[k] + 0.5) / fit->all_pairs;
		matches += model->share[k];
		for (int i = 0; i < fit->comparisons; i++)
		{
			double		guess[CRM_MATCH_LEVEL_MAX];
			double		before = model->chance[k][i][1];

			if (k < model->match_classes)
				guess_m(fit, i, guess);
			else
				memcpy(guess, model->chance[last][i], sizeof(guess));
			settle(fit, i, near[k][i], guess, ANCHOR, model->chance[k][i]);
			if (k < model->match_classes)
				limit_conflict(fit, i, model->chance[k][i]);
			moved = fmax(moved, fabs(before - model->chance[k][i][1]));
		}
	}
	model->share[last] = fmax(1 - matches, 0.01);
	for (int i = 0; i < fit->comparisons && !fit->keep_u; i++)
		settle_u(fit, i, far[last][i], near[last][i], model->chance[last][i]);
	return moved;
}

/*
 * Pairs that agree strongly on some fields and contradict each other strongly on
 * others are more often relatives than matches: those who share a household, a
 * name, a switchboard.  They seed a class of their own, which EM then shapes.
 */
static double
seed_class(Fit *fit, int class)
{
	CrmMatchModel *model = &fit->model;
	LevelSum	sum = {{0}};
	double		pairs = 0;
	int			last = model->classes - 1;

	for (size_t at = 0; at < fit->near->used; at++)
	{
		uint64_t	vector = fit->near->entry[at].vector;
		double		count = (double) fit->near->entry[at].count * fit->near_scale;
		double		for_match = 0;
		double		against = 0;

		for (int i = 0; i < fit->comparisons; i++)
		{
			int			level = crm_match_level(vector, i);
			double		bits = level == 0 ? 0 : log2(fmax(model->chance[0][i][level], 1e-12) / fmax(model->chance[last][i][level], 1e-12));

			*(bits > 0 ? &for_match : &against) += bits;
		}
		if (for_match < SEED_FOR || (against > SEED_AGAINST && !crm_match_is_conflict(&fit->engine->settings, vector)))
			continue;
		pairs += count;
		for (int i = 0; i < fit->comparisons; i++)
			sum[i][crm_match_level(vector, i)] += count;
	}
	for (int i = 0; i < fit->comparisons; i++)
		settle(fit, i, sum[i], model->chance[last][i], ANCHOR, model->chance[class][i]);
	return pairs;
}

/* Makes room before the last class, that of pairs at random. */
static void
add_relatives(Fit *fit)
{
	CrmMatchModel *model = &fit->model;
	int			class = model->classes++ - 1;
	double		pairs;

	memcpy(model->chance[class + 1], model->chance[class], sizeof(model->chance[0]));
	model->share[class + 1] = model->share[class];
	pairs = seed_class(fit, class);
	model->share[class] = (0.5 * pairs + 1) / fit->all_pairs;
}

static void
run_em(Fit *fit, uint32_t rounds)
{
	for (uint32_t round = 0; round < rounds; round++)
		if (crm_match_stop(fit->engine) || em_round(fit) < EM_STILL)
			break;
}

static uint32_t
em_rounds(const CrmMatchEngine *engine)
{
	return engine->settings.em_rounds == 0 ? EM_ROUNDS : engine->settings.em_rounds;
}

/* How far one field of a class is from pairs at random: bits that its mean pair tells (Kullback-Leibler). */
static double
field_distance(const Fit *fit, int class, int comparison)
{
	const CrmMatchModel *model = &fit->model;
	double		bits = 0;

	for (int level = 1; level < fit->levels[comparison]; level++)
	{
		double		p = model->chance[class][comparison][level];

		if (p > 0)
			bits += p * log2(p / fmax(model->chance[model->classes - 1][comparison][level], 1e-12));
	}
	return bits;
}

static double
distance(const Fit *fit, int class)
{
	double		bits = 0;

	for (int i = 0; i < fit->comparisons; i++)
		bits += field_distance(fit, class, i);
	return bits;
}

/*
 * How much a class is like the farthest one, 0 to 1: half by its bits, half by
 * the number of fields that tell a third of what they tell there.  Bits alone
 * take dirty matches for a household: matches whose addresses were exchanged
 * fail in two strong fields, others are damaged in all; relatives agree fully,
 * but in a few fields only.
 */
static double
likeness(const Fit *fit, int class, int farthest)
{
	double		bits = distance(fit, class) / fmax(distance(fit, farthest), 1e-12);
	int			tell = 0;
	int			agree = 0;

	for (int i = 0; i < fit->comparisons; i++)
	{
		double		most = field_distance(fit, farthest, i);

		tell += most > FIELD_LEAST;
		agree += most > FIELD_LEAST && field_distance(fit, class, i) >= most / 3;
	}
	return tell == 0 ? bits : (bits + (double) agree / tell) / 2;
}

static int
farthest_class(const Fit *fit)
{
	const CrmMatchModel *model = &fit->model;
	int			farthest = 0;
	double		most = 0;

	for (int k = 0; k < model->classes - 1; k++)
		if (model->share[k] * fit->all_pairs >= CLASS_LEAST && distance(fit, k) > most)
		{
			most = distance(fit, k);
			farthest = k;
		}
	return farthest;
}

/*
 * A table without duplicates has classes too, and its households lie farthest.
 * They are not like matches as one imagines them: then matches get a class of
 * their own, of half a pair, so that a first duplicate has somewhere to go.
 */
static bool
imagine_matches(Fit *fit)
{
	CrmMatchModel *model = &fit->model;
	int			spare = model->classes;

	if (spare >= CRM_MATCH_CLASS_MAX)
		return false;
	for (int i = 0; i < fit->comparisons; i++)
		guess_m(fit, i, model->chance[spare][i]);
	if (likeness(fit, farthest_class(fit), spare) >= PLAUSIBLE)
		return false;
	for (int k = model->classes++; k > 0; k--)
	{
		model->share[k] = model->share[k - 1];
		memcpy(model->chance[k], model->chance[k - 1], sizeof(model->chance[0]));
	}
	model->share[0] = 0.5 / fit->all_pairs;
	for (int i = 0; i < fit->comparisons; i++)
		guess_m(fit, i, model->chance[0][i]);
	model->match_classes = 1;
	return true;
}

/*
 * EM finds classes but not their names.  Matches are what lies farthest from
 * pairs at random; people of one town, however many, lie much nearer.
 */
static bool
name_classes(Fit *fit)
{
	CrmMatchModel *model = &fit->model;
	CrmMatchModel before = *model;
	bool		match[CRM_MATCH_CLASS_MAX] = {false};
	int			farthest = farthest_class(fit);
	int			at = 0;
	bool		changed = false;

	if (imagine_matches(fit))
		return true;
	for (int k = 0; k < model->classes - 1; k++)
	{
		match[k] = likeness(fit, k, farthest) >= MATCH_LEAST;
		changed |= match[k] != (k < before.match_classes);
	}
	model->match_classes = 0;
	for (int wanted = 1; wanted >= 0; wanted--)
		for (int k = 0; k < before.classes - 1; k++)
			if (match[k] == wanted)
			{
				model->match_classes += wanted;
				model->share[at] = before.share[k];
				memcpy(model->chance[at++], before.chance[k], sizeof(before.chance[0]));
			}
	return changed;
}

static void
fit_classes(Fit *fit)
{
	uint32_t	rounds = em_rounds(fit->engine);

	run_em(fit, rounds);
	for (int i = 0; i < RELATIVES; i++)
	{
		add_relatives(fit);
		run_em(fit, rounds);
		if (name_classes(fit))
			run_em(fit, rounds);
	}
}

/* m, u and weights of single fields, for who reads the model. */
static void
summarize(Fit *fit)
{
	CrmMatchModel *model = &fit->model;

	model->prior = 0;
	for (int k = 0; k < model->match_classes; k++)
		model->prior += model->share[k];
	for (int i = 0; i < fit->comparisons; i++)
		for (int level = 1; level < fit->levels[i]; level++)
		{
			double		m = 0;
			double		u = 0;

			for (int k = 0; k < model->classes; k++)
				*(k < model->match_classes ? &m : &u) += model->share[k] * model->chance[k][i][level];
			model->m[i][level] = m / model->prior;
			model->u[i][level] = u / (1 - model->prior);
			model->weight[i][level] = log2(fmax(model->m[i][level], 1e-12) / fmax(model->u[i][level], 1e-12));
		}
}

static int
by_source(const void *a, const void *b)
{
	uint32_t	x = *(const uint32_t *) a;
	uint32_t	y = *(const uint32_t *) b;

	return x < y ? -1 : x > y;
}

/* Pairs that may be linked at all. */
static double
all_pairs(const CrmMatchEngine *engine)
{
	double		records = (double) engine->records;
	double		pairs = records * (records - 1) / 2;
	uint32_t   *source;

	if (engine->settings.link != CRM_MATCH_LINK_ONLY || (source = malloc((engine->records + 1) * sizeof(*source))) == NULL)
		return fmax(pairs, 1);
	memcpy(source, engine->source, engine->records * sizeof(*source));
	qsort(source, engine->records, sizeof(*source), by_source);
	for (size_t from = 0, to; from < engine->records; from = to)
	{
		for (to = from + 1; to < engine->records && source[to] == source[from]; to++)
			;
		pairs -= (double) (to - from) * (double) (to - from - 1) / 2;
	}
	free(source);
	return fmax(pairs, 1);
}

static void
begin_fit(Fit *fit, CrmMatchEngine *engine)
{
	double		records = (double) engine->records;

	memset(fit, 0, sizeof(*fit));
	fit->engine = engine;
	fit->comparisons = engine->settings.comparison_count;
	fit->model = engine->model;
	fit->all_pairs = all_pairs(engine);
	for (int i = 0; i < fit->comparisons; i++)
		fit->levels[i] = crm_match_kind_levels(engine->settings.comparison[i].kind);
	fit->model.classes = 2;
	fit->model.match_classes = 1;
	fit->model.share[0] = fmin(0.3 * records / fit->all_pairs, 0.3);
	fit->model.share[1] = 1 - fit->model.share[0];
	for (int i = 0; i < fit->comparisons; i++)
	{
		double		plain[CRM_MATCH_LEVEL_MAX] = {0};

		guess_m(fit, i, fit->model.chance[0][i]);
		for (int level = 1; level < fit->levels[i]; level++)
			plain[level] = level == fit->levels[i] - 1 ? 0.9 : 0.1 / fit->levels[i];
		memcpy(fit->model.chance[1][i], plain, sizeof(plain));
	}
}

/* u of all pairs at random, matches among them included: a start for EM. */
static void
first_u(Fit *fit)
{
	LevelSum	sum = {{0}};

	for (size_t at = 0; at < fit->far->used; at++)
		for (int i = 0; i < fit->comparisons; i++)
			sum[i][crm_match_level(fit->far->entry[at].vector, i)] += (double) fit->far->entry[at].count * fit->far_scale;
	for (int i = 0; i < fit->comparisons; i++)
		settle_u(fit, i, sum[i], sum[i], fit->model.chance[fit->model.classes - 1][i]);
}

/* -- collecting --------------------------------------------------------------- */

/* Pairs at random, or all of a small table. */
static CrmMatchCode
collect_far(CrmMatchEngine *engine, CrmMatchTally *far, double *scale, CrmMatchFault *fault)
{
	Sampling	sampling = {.engine = engine, .rule = -1};
	uint64_t	counted = 0;
	size_t		tasks;
	CrmMatchCode code;

	sampling.pairs = engine->settings.random_pairs == 0 ? 1000000 : engine->settings.random_pairs;
	sampling.all = (double) engine->records * (double) engine->records / 2 <= 2.0 * (double) sampling.pairs;
	tasks = sampling.all || engine->records == 0 ? engine->records : sampling.pairs / RANDOM_TASK + 1;
	code = sample(&sampling, "random pairs", tasks, random_task, far, &counted, fault);
	*scale = all_pairs(engine) / fmax((double) counted, 1);
	return code;
}

/* Candidates, or those of some records where there are very many. */
static CrmMatchCode
collect_near(CrmMatchEngine *engine, int rule, CrmMatchTally *near, double *scale, CrmMatchFault *fault)
{
	Sampling	sampling = {.engine = engine, .rule = rule};
	const CrmMatchBlocks *blocks = &engine->blocks;
	uint64_t	counted = 0;
	double		upper = 1;
	CrmMatchCode code;

	for (size_t i = rule < 0 ? 0 : blocks->rule_first[rule]; i < (rule < 0 ? blocks->blocks : blocks->rule_first[rule + 1]); i++)
	{
		double		size = (double) (blocks->start[i + 1] - blocks->start[i]);

		upper += size * (size - 1) / 2;
	}
	sampling.part = upper <= SAMPLE_PAIRS ? UINT64_C(1) << 32 : (uint64_t) (SAMPLE_PAIRS / upper * 4294967296.0);
	*scale = 4294967296.0 / (double) sampling.part;
	code = sample(&sampling, "training", (engine->records + CRM_MATCH_TASK - 1) / CRM_MATCH_TASK, candidate_task, near, &counted, fault);
	return code;
}

static int
by_count(const void *a, const void *b)
{
	const CrmMatchVector *x = a;
	const CrmMatchVector *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->vector < y->vector ? -1 : x->vector > y->vector;
}

/* The tally for who asks: most frequent vectors first, with their weights. */
static CrmMatchCode
list_vectors(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	CrmMatchScale scale;
	CrmMatchVector *vector = realloc(engine->vector, (engine->tally.used + 1) * sizeof(*vector));

	if (vector == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "vectors");
	engine->vector = vector;
	crm_match_scale(&engine->model, &scale);
	for (size_t i = 0; i < engine->tally.used; i++)
	{
		vector[i] = engine->tally.entry[i];
		vector[i].weight = crm_match_vector_weight(&scale, vector[i].vector);
	}
	if (engine->tally.used > 0)
		qsort(vector, engine->tally.used, sizeof(*vector), by_count);
	return CRM_MATCH_OK;
}

const CrmMatchVector *
crm_match_vectors(const CrmMatchEngine *engine, size_t *count)
{
	*count = engine->vector == NULL ? 0 : engine->tally.used;
	return engine->vector;
}

static void
finish(CrmMatchEngine *engine, Fit *fit)
{
	summarize(fit);
	fit->model.trained = true;
	fit->model.records = engine->records;
	fit->model.threshold = 0;
	fit->model.review = -4;
	fit->model.absent = -4;
	engine->model = fit->model;
}

/* What has to stand before any training. */
static CrmMatchCode
ready(CrmMatchEngine *engine, Fit **fit, CrmMatchFault *fault)
{
	CrmMatchCode code = crm_match_block(engine, fault);

	if (code == CRM_MATCH_OK)
		code = crm_match_count_terms(engine, fault);
	if (code != CRM_MATCH_OK)
		return code;
	*fit = malloc(sizeof(Fit));
	if (*fit == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "training");
	begin_fit(*fit, engine);
	return CRM_MATCH_OK;
}

/* -- the steps ---------------------------------------------------------------- */

CrmMatchCode
crm_match_train(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	CrmMatchTally far = {0};
	Fit		   *fit = NULL;
	CrmMatchCode code = ready(engine, &fit, fault);

	if (code == CRM_MATCH_OK)
		code = collect_far(engine, &far, &fit->far_scale, fault);
	if (code == CRM_MATCH_OK)
		code = collect_near(engine, -1, &engine->tally, &fit->near_scale, fault);
	if (code == CRM_MATCH_OK)
	{
		fit->far = &far;
		fit->near = &engine->tally;
		engine->tally_scale = fit->near_scale;
		first_u(fit);
		fit_classes(fit);
		finish(engine, fit);
		engine->has_u = true;
		code = crm_match_stop(engine) ? crm_match_fail(fault, CRM_MATCH_CANCELED, "training") : list_vectors(engine, fault);
	}
	free(fit);
	crm_match_tally_free(engine, &far);
	return code;
}

CrmMatchCode
crm_match_train_u(CrmMatchEngine *engine, CrmMatchFault *fault)
{
	CrmMatchTally far = {0};
	Fit		   *fit = NULL;
	CrmMatchCode code = ready(engine, &fit, fault);

	if (code == CRM_MATCH_OK)
		code = collect_far(engine, &far, &fit->far_scale, fault);
	if (code == CRM_MATCH_OK)
	{
		fit->far = &far;
		if (engine->model.trained)
		{
			/* m as it was: of the class of matches */
			memcpy(fit->model.chance[0], engine->model.m, sizeof(engine->model.m));
			fit->model.share[0] = engine->model.prior;
			fit->model.share[1] = 1 - engine->model.prior;
		}
		first_u(fit);
		finish(engine, fit);
		engine->has_u = true;
	}
	free(fit);
	crm_match_tally_free(engine, &far);
	return code;
}

/* Vectors with the fields of a rule taken out: there, all pairs agree by choice. */
static uint64_t
rule_mask(const CrmMatchEngine *engine, int rule)
{
	uint64_t	mask = ~UINT64_C(0);

	for (int i = 0; rule >= 0 && i < engine->settings.rule[rule].count; i++)
		mask &= ~(UINT64_C(15) << (4 * engine->settings.rule[rule].part[i].comparison));
	return mask;
}

static void
mask_tally(CrmMatchTally *tally, uint64_t mask)
{
	for (size_t i = 0; i < tally->used; i++)
		tally->entry[i].vector &= mask;
}

/* EM within the pairs of one rule: u stays, m of the fields outside the rule moves. */
static void
fit_rule(Fit *fit, const CrmMatchEngine *engine, uint64_t mask)
{
	double		pairs = 0;

	for (size_t i = 0; i < fit->near->used; i++)
		pairs += (double) fit->near->entry[i].count * fit->near_scale;
	memcpy(fit->model.chance[1], engine->model.u, sizeof(engine->model.u));
	fit->all_pairs = fmax(pairs, 1);
	fit->keep_u = true;
	fit->model.share[0] = 0.3;
	fit->model.share[1] = 0.7;
	run_em(fit, em_rounds(engine));
	for (int i = 0; i < fit->comparisons; i++)
		if ((mask >> (4 * i) & 15) == 0)
			memcpy(fit->model.chance[0][i], engine->model.m[i], sizeof(engine->model.m[i]));
	fit->model.share[0] = engine->model.prior;
	fit->model.share[1] = 1 - engine->model.prior;
}

CrmMatchCode
crm_match_train_m(CrmMatchEngine *engine, int rule, CrmMatchFault *fault)
{
	static const CrmMatchTally nothing = {0};
	Fit		   *fit = NULL;
	CrmMatchCode code;

	if (rule < 0)
		return crm_match_train(engine, fault);
	if (rule >= engine->settings.rule_count)
		return crm_match_fail(fault, CRM_MATCH_SETTINGS, "no such rule");
	if (!engine->has_u)
		return crm_match_fail(fault, CRM_MATCH_ORDER, "u is estimated before m");
	code = ready(engine, &fit, fault);
	if (code == CRM_MATCH_OK)
		code = collect_near(engine, rule, &engine->tally, &fit->near_scale, fault);
	if (code == CRM_MATCH_OK)
	{
		uint64_t	mask = rule_mask(engine, rule);

		mask_tally(&engine->tally, mask);
		fit->near = &engine->tally;
		fit->far = &nothing;
		fit->far_scale = 1;
		fit_rule(fit, engine, mask);
		finish(engine, fit);
		code = list_vectors(engine, fault);
	}
	free(fit);
	return code;
}

static int
by_weight(const void *a, const void *b)
{
	double		x = ((const CrmMatchVector *) a)->weight;
	double		y = ((const CrmMatchVector *) b)->weight;

	return x < y ? -1 : x > y;
}

/*
 * The threshold under which the fewest judged pairs are on the wrong side; of
 * several the one nearest to even chances.  Where few were judged, or all alike,
 * it stays where it is.
 */
static double
judged_threshold(const CrmMatchEngine *engine, const CrmMatchLabel *label, size_t labels)
{
	CrmMatchVector *pair = malloc((labels + 1) * sizeof(*pair));
	double		best = engine->model.threshold;
	size_t		wrong = 0;
	size_t		same = 0;
	size_t		least;

	if (pair == NULL)
		return best;
	for (size_t i = 0; i < labels; i++)
	{
		CrmMatchScore score;

		crm_match_score(&engine->settings, &engine->model, engine->record[label[i].left], engine->record[label[i].right], NULL, NULL, &score);
		pair[i] = (CrmMatchVector) {.count = label[i].same, .weight = score.weight};
		same += label[i].same;
		wrong += label[i].same != (score.weight >= best);
	}
	least = wrong;
	qsort(pair, labels, sizeof(*pair), by_weight);
	wrong = labels - same;		/* below all of them: every different one is wrong */
	for (size_t i = 0; i < labels && labels >= JUDGED_LEAST && same > 0 && same < labels; i++)
	{
		double		cut = i + 1 < labels ? (pair[i].weight + pair[i + 1].weight) / 2 : pair[i].weight + 0.1;

		if (pair[i].count > 0)
			wrong++;
		else
			wrong--;
		if ((wrong < least || (wrong == least && fabs(cut) < fabs(best))) && cut >= engine->model.review && cut <= THRESHOLD_MOST)
		{
			least = wrong;
			best = cut;
		}
	}
	free(pair);
	return best;
}

CrmMatchCode
crm_match_train_labels(CrmMatchEngine *engine, const CrmMatchLabel *label, size_t labels, CrmMatchFault *fault)
{
	LevelSum	same = {{0}};
	Fit		   *fit = NULL;
	CrmMatchCode code = CRM_MATCH_OK;

	if (!engine->model.trained)
		code = crm_match_train(engine, fault);
	if (code == CRM_MATCH_OK)
		code = ready(engine, &fit, fault);
	for (size_t i = 0; i < labels && code == CRM_MATCH_OK; i++)
	{
		uint64_t	vector;

		if (label[i].left >= engine->records || label[i].right >= engine->records)
			code = crm_match_fail(fault, CRM_MATCH_SETTINGS, "a label names a record that is not there");
		else if (label[i].same)
		{
			vector = crm_match_compare(&engine->settings, engine->record[label[i].left], engine->record[label[i].right]);
			for (int j = 0; j < fit->comparisons; j++)
				same[j][crm_match_level(vector, j)]++;
		}
	}
	if (code == CRM_MATCH_OK)
	{
		fit->model = engine->model;
		for (int k = 0; k < fit->model.match_classes; k++)
			for (int i = 0; i < fit->comparisons; i++)
				settle(fit, i, same[i], engine->model.chance[k][i], ANCHOR, fit->model.chance[k][i]);
		finish(engine, fit);
		engine->model.threshold = judged_threshold(engine, label, labels);
	}
	free(fit);
	return code;
}
