/*
 * score_additive_core.c: points for levels by penalised logistic regression.
 *
 * Each characteristic has a penalty on the squares of its effects, or, where its levels are
 * in order, of the differences between neighbours. How strong it is, the data decide: the
 * penalty is the variance of a random effect, estimated by restricted likelihood, so a
 * characteristic that tells nothing comes out flat and one that tells much is hardly held
 * back. Levels in order are first pooled until their event rates rise, or fall, throughout;
 * effects that still turn, beside the other characteristics, are pooled with their neighbour.
 * Sources: Wood and Fasiolo (2017), A generalized Fellner-Schall method for smoothing
 * parameter optimization, Biometrics 73(4); Barlow et al. (1972), Statistical Inference
 * under Order Restrictions, for pooling.
 */
#include "score_additive_core.h"

#include <math.h>
#include <string.h>

#include "score_linear_core.h"

#define CRM_PENALTY_LEAST 0.05
#define CRM_PENALTY_MOST 1e5
/* Holds the mean effect of each characteristic at 0; the intercept has the level. */
#define CRM_CENTRE 1.0
#define CRM_ADDITIVE_ITERATIONS 60

typedef struct Work
{
	int			p;
	double	   *beta;			/* 0 is the intercept */
	double	   *step;
	double	   *gradient;
	double	   *hessian;		/* of the likelihood, negated; then with the penalty */
	double	   *inverse;
} Work;

static int
unknowns(const CrmAdditive *model)
{
	int			p = 1;

	for (int j = 0; j < model->parts; j++)
		p += model->part[j].levels;
	return p;
}

size_t
crm_additive_scratch(const CrmAdditive *model)
{
	size_t		p = (size_t) unknowns(model);

	return 3 * p + 2 * p * p;
}

int
crm_additive_edges(const double *sorted, size_t n, int levels, size_t least, double *edges)
{
	size_t		begin = 0;
	size_t		size = (n + levels - 1) / levels;
	int			count = 0;

	size = size > least ? size : least;
	for (size_t i = 1; i < n && count < levels - 1; i++)
		if (sorted[i] != sorted[i - 1] && i - begin >= size && n - i >= least)
		{
			edges[count++] = sorted[i];
			begin = i;
		}
	return count;
}

/* -- the penalty: S = lambda (ridge or differences) + centring ------------------------------- */

/* The ordered groups are the first ones; the rest, as what is missing, stand alone. */
static int
ordered_groups(const CrmAdditivePart *part)
{
	return part->ordered > 0 ? part->group[part->ordered - 1] + 1 : 0;
}

/* The range of an ordered effect is to vary like a single level of a category does. */
static double
difference_weight(const CrmAdditivePart *part)
{
	return part->ordered > 1 ? part->ordered - 1 : 1;
}

/* v'Sv for lambda = 1, without the centring. */
static double
roughness(const CrmAdditivePart *part, const double *v)
{
	int			ordered = ordered_groups(part);
	double		sum = 0;

	for (int g = 1; g < ordered; g++)
		sum += difference_weight(part) * (v[g] - v[g - 1]) * (v[g] - v[g - 1]);
	for (int g = ordered; g < part->groups; g++)
		sum += v[g] * v[g];
	return sum;
}

/* trace(V S) for lambda = 1, over the part's block of V. */
static double
roughness_trace(const CrmAdditivePart *part, const double *v, int p)
{
	int			ordered = ordered_groups(part);
	int			f = part->first;
	double		sum = 0;

#define AT(g, h) v[(size_t) (f + (g)) * p + f + (h)]
	for (int g = 1; g < ordered; g++)
		sum += difference_weight(part) * (AT(g, g) + AT(g - 1, g - 1) - 2 * AT(g, g - 1));
	for (int g = ordered; g < part->groups; g++)
		sum += AT(g, g);
#undef AT
	return sum;
}

/* Centring takes one from a category; differences have one less already. */
static int
penalty_rank(const CrmAdditivePart *part)
{
	return part->groups - 1;
}

static void
add_penalty(const CrmAdditivePart *part, Work *work, double rows)
{
	int			ordered = ordered_groups(part);
	int			p = work->p;
	int			f = part->first;
	double		share[CRM_ADDITIVE_LEVELS] = {0};
	double		mean = 0;

#define H(g, h) work->hessian[(size_t) (f + (g)) * p + f + (h)]
	for (int l = 0; l < part->levels; l++)
		share[part->group[l]] += (part->events[l] + part->others[l]) / rows;
	for (int g = 0; g < part->groups; g++)
		mean += share[g] * work->beta[f + g];
	for (int g = 0; g < part->groups; g++)
	{
		work->gradient[f + g] -= CRM_CENTRE * rows * share[g] * mean;
		for (int h = 0; h < part->groups; h++)
			H(g, h) += CRM_CENTRE * rows * share[g] * share[h];
	}
	for (int g = 1; g < ordered; g++)
	{
		double		weight = part->penalty * difference_weight(part);
		double		d = weight * (work->beta[f + g] - work->beta[f + g - 1]);

		work->gradient[f + g] -= d;
		work->gradient[f + g - 1] += d;
		H(g, g) += weight;
		H(g - 1, g - 1) += weight;
		H(g, g - 1) -= weight;
		H(g - 1, g) -= weight;
	}
	for (int g = ordered; g < part->groups; g++)
	{
		work->gradient[f + g] -= part->penalty * work->beta[f + g];
		H(g, g) += part->penalty;
	}
#undef H
}

/* -- one pass over the rows -------------------------------------------------------------------- */

/* So many rows at once: what they add to a characteristic's part of the matrix lies close together. */
#define BLOCK 64

static void
add_block(const CrmAdditive *model, size_t first, int rows, Work *work)
{
	uint16_t	at[BLOCK][CRM_ADDITIVE_PARTS];
	double		residual[BLOCK];
	double		weight[BLOCK];

	for (int r = 0; r < rows; r++)
	{
		const uint8_t *level = model->level + (first + r) * model->parts;
		double		eta = work->beta[0];
		double		e;

		for (int j = 0; j < model->parts; j++)
		{
			at[r][j] = model->part[j].first + model->part[j].group[level[j]];
			eta += work->beta[at[r][j]];
		}
		e = exp(-fabs(eta));
		residual[r] = (model->y[first + r] != 0) - (eta > 0 ? 1 : e) / (1 + e);
		weight[r] = e / ((1 + e) * (1 + e));
		work->gradient[0] += residual[r];
		work->hessian[0] += weight[r];
	}
	for (int j = 0; j < model->parts; j++)
		for (int r = 0; r < rows; r++)
		{
			double	   *row = work->hessian + (size_t) at[r][j] * work->p;

			work->gradient[at[r][j]] += residual[r];
			row[0] += weight[r];
			/* Unknowns of a later part are later: this is the lower half. */
			for (int i = 0; i <= j; i++)
				row[at[r][i]] += weight[r];
		}
}

static void
pass(const CrmAdditive *model, Work *work)
{
	memset(work->gradient, 0, sizeof(double) * work->p);
	memset(work->hessian, 0, sizeof(double) * work->p * work->p);
	for (size_t i = 0; i < model->rows; i += BLOCK)
	{
		add_block(model, i, model->rows - i < BLOCK ? (int) (model->rows - i) : BLOCK, work);
		if (model->interrupt && i % 4096 == 0)
			model->interrupt();
	}
	for (int j = 0; j < model->parts; j++)
		add_penalty(&model->part[j], work, (double) model->rows);
}

/* -- the fit ---------------------------------------------------------------------------------------- */

static void
number_unknowns(CrmAdditive *model, Work *work)
{
	work->p = 1;
	for (int j = 0; j < model->parts; j++)
	{
		CrmAdditivePart *part = &model->part[j];

		part->groups = 0;
		for (int l = 0; l < part->levels; l++)
			if (part->group[l] >= part->groups)
				part->groups = part->group[l] + 1;
		part->first = work->p;
		work->p += part->groups;
	}
}

static void
load_effects(const CrmAdditive *model, Work *work)
{
	work->beta[0] = model->intercept;
	for (int j = 0; j < model->parts; j++)
		for (int l = 0; l < model->part[j].levels; l++)
			work->beta[model->part[j].first + model->part[j].group[l]] = model->part[j].effect[l];
}

static void
store_effects(CrmAdditive *model, const Work *work)
{
	model->intercept = work->beta[0];
	for (int j = 0; j < model->parts; j++)
		for (int l = 0; l < model->part[j].levels; l++)
			model->part[j].effect[l] = work->beta[model->part[j].first + model->part[j].group[l]];
}

/* The strength of each penalty that makes the effects as likely as a draw from it can be. */
static double
update_penalties(CrmAdditive *model, Work *work)
{
	double		change = 0;

	crm_cholesky_invert(work->hessian, work->p, work->inverse);
	for (int j = 0; j < model->parts; j++)
	{
		CrmAdditivePart *part = &model->part[j];
		double		rough = roughness(part, work->beta + part->first);
		double		before = part->penalty;

		part->freedom = penalty_rank(part) - before * roughness_trace(part, work->inverse, work->p);
		part->freedom = fmax(part->freedom, 0);
		part->penalty = rough > 0 ? part->freedom / rough : CRM_PENALTY_MOST;
		part->penalty = fmin(fmax(part->penalty, CRM_PENALTY_LEAST), CRM_PENALTY_MOST);
		change = fmax(change, fabs(log(part->penalty / before)));
	}
	return change;
}

/* Newton's steps and new penalties by turns, until neither moves. */
static bool
settle(CrmAdditive *model, Work *work)
{
	number_unknowns(model, work);
	load_effects(model, work);
	for (int i = 0; i < CRM_ADDITIVE_ITERATIONS; i++)
	{
		double		longest = 0;
		double		change;

		pass(model, work);
		memcpy(work->step, work->gradient, sizeof(double) * work->p);
		if (crm_cholesky(work->hessian, work->p, 1e-13) >= 0)
			return false;
		crm_cholesky_solve(work->hessian, work->p, work->step);
		for (int k = 0; k < work->p; k++)
			longest = fmax(longest, fabs(work->step[k]));
		for (int k = 0; k < work->p; k++)
			work->beta[k] += longest > 2 ? work->step[k] * 2 / longest : work->step[k];
		change = update_penalties(model, work);
		if (longest < 1e-6 && change < 0.02)
			break;
	}
	store_effects(model, work);
	return true;
}

/* Pool the neighbours whose effects turn; true if there were any. */
static bool
pool(CrmAdditivePart *part)
{
	int			ordered = ordered_groups(part);
	double		value[CRM_ADDITIVE_LEVELS];
	int			to[CRM_ADDITIVE_LEVELS];
	int			next = 0;

	for (int l = 0; l < part->levels; l++)
		value[part->group[l]] = part->effect[l];
	for (int g = 0; g < part->groups; g++)
	{
		bool		turns = g > 0 && g < ordered && (value[g] - value[g - 1]) * part->direction < 0;

		to[g] = turns ? next - 1 : next++;
	}
	if (next == part->groups)
		return false;
	for (int l = 0; l < part->levels; l++)
		part->group[l] = to[part->group[l]];
	return true;
}

/*
 * Neighbours whose event rates turn against the direction are pooled. Returns the deviance
 * that is left, less is better, and the group of each level in order.
 */
static double
pool_rates(const CrmAdditivePart *part, int direction, int *group)
{
	double		events[CRM_ADDITIVE_LEVELS];
	double		rows[CRM_ADDITIVE_LEVELS];
	int			last[CRM_ADDITIVE_LEVELS];
	double		deviance = 0;
	int			n = 0;
	int			g = 0;

	for (int l = 0; l < part->ordered; l++, n++)
	{
		events[n] = part->events[l];
		rows[n] = part->events[l] + part->others[l];
		last[n] = l;
		for (; n > 0 && (events[n - 1] * rows[n] - events[n] * rows[n - 1]) * direction >= 0; n--)
		{
			events[n - 1] += events[n];
			rows[n - 1] += rows[n];
			last[n - 1] = l;
		}
	}
	for (int i = 0; i < n; i++)
	{
		deviance -= events[i] > 0 ? events[i] * log(events[i] / rows[i]) : 0;
		deviance -= events[i] < rows[i] ? (rows[i] - events[i]) * log(1 - events[i] / rows[i]) : 0;
	}
	for (int l = 0; l < part->ordered; l++)
	{
		group[l] = g;
		g += last[g] == l;
	}
	return deviance;
}

/* Of the two directions that which fits the rates better; then its bins to begin with. */
static void
group_levels(CrmAdditivePart *part)
{
	int			falling[CRM_ADDITIVE_LEVELS];
	int			next = 0;

	part->direction = 1;
	if (part->ordered > 0)
	{
		if (pool_rates(part, -1, falling) < pool_rates(part, 1, part->group))
		{
			part->direction = -1;
			memcpy(part->group, falling, sizeof(falling));
		}
		next = part->group[part->ordered - 1] + 1;
	}
	for (int l = part->ordered; l < part->levels; l++)
		part->group[l] = next++;
}

static void
prepare(CrmAdditive *model)
{
	double		events = 0;

	for (size_t i = 0; i < model->rows; i++)
		events += model->y[i] != 0;
	model->intercept = log(events / ((double) model->rows - events));
	for (int j = 0; j < model->parts; j++)
	{
		CrmAdditivePart *part = &model->part[j];

		memset(part->events, 0, sizeof(part->events));
		memset(part->others, 0, sizeof(part->others));
		memset(part->effect, 0, sizeof(part->effect));
		for (size_t i = 0; i < model->rows; i++)
			(model->y[i] ? part->events : part->others)[model->level[i * model->parts + j]]++;
		part->penalty = 1;
		group_levels(part);
	}
}

bool
crm_additive_fit(CrmAdditive *model, double *scratch)
{
	size_t		p = (size_t) unknowns(model);
	Work		work = {0, scratch, scratch + p, scratch + 2 * p, scratch + 3 * p, scratch + 3 * p + p * p};
	bool		pooled;

	prepare(model);
	do
	{
		if (!settle(model, &work))
			return false;
		pooled = false;
		for (int j = 0; j < model->parts; j++)
			if (model->part[j].ordered > 0)
				pooled |= pool(&model->part[j]);
	} while (pooled);
	return true;
}
