/*
 * Proves: the special functions agree with known values, Cholesky solves and names the
 * column that others tell, logistic regression finds the maximum and names what has none,
 * AUC and KS are exact with ties, BG/NBD's and gamma-gamma's derivatives are those of their
 * likelihoods (a fit from simulated customers has a gradient of 0 there), bins are the best
 * of all that keep the trend (compared with every cut), and points in order never turn.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "score/score_additive_core.h"
#include "score/score_bgnbd_core.h"
#include "score/score_bin_core.h"
#include "score/score_linear_core.h"
#include "score/score_logit_core.h"
#include "score/score_special_core.h"
#include "score/score_stat_core.h"

#include "unit.h"

static bool
near(double a, double b, double tolerance)
{
	return fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

static uint64_t random_state = 42;

static double
uniform(void)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (double) (random_state >> 11) / (double) (UINT64_C(1) << 53);
}

static void
test_special(void)
{
	CrmRising	r = crm_rising(0.5, 3);

	CHECK_AS(near(crm_digamma(1), -0.57721566490153286, 1e-14), "digamma(1) is minus Euler's constant");
	CHECK_AS(near(crm_digamma(0.5), -1.9635100260214235, 1e-14), "digamma(1/2)");
	CHECK_AS(near(crm_trigamma(1), 1.6449340668482264, 1e-14), "trigamma(1) is pi squared over 6");
	CHECK_AS(near(crm_trigamma(0.5), 4.934802200544679, 1e-14), "trigamma(1/2)");
	CHECK_AS(near(r.log, log(0.5 * 1.5 * 2.5), 1e-15), "ln of a rising factorial");
	CHECK_AS(near(r.first, 2 + 1 / 1.5 + 1 / 2.5, 1e-15), "its first derivative");
	CHECK_AS(near(r.second, -4 - 1 / 2.25 - 1 / 6.25, 1e-15), "its second derivative");
	CHECK_AS(near(crm_rising(2.25, 257).log, crm_rising(2.25, 256).log + log(2.25 + 256), 1e-12), "long ones go on where short ones end");
	/* 2F1(1, 1; 2; z) = -ln(1 - z) / z */
	CHECK_AS(near(crm_hypergeometric_slope(1, 1, 2, 0.5), 2 * (2 * log(2) - 1), 1e-14), "2F1(1, 1; 2; 1/2)");
	CHECK_AS(isfinite(crm_hypergeometric_slope(1, 0, 0, 0.5)), "c = 0 is no pole");
}

static void
test_linear(void)
{
	double		a[9] = {4, 2, 1, 2, 3, 0.5, 1, 0.5, 2};
	double		inverse[9];
	double		b[3] = {7, 5.5, 3.5};
	double		singular[4] = {1, 2, 2, 4};
	double		bad[4] = {NAN, 0, 0, 1};

	CHECK_AS(crm_cholesky(a, 3, 1e-12) == -1, "a positive definite matrix has a factor");
	crm_cholesky_solve(a, 3, b);
	CHECK_AS(near(b[0], 1, 1e-14) && near(b[1], 1, 1e-14) && near(b[2], 1, 1e-14), "and solves equations");
	crm_cholesky_invert(a, 3, inverse);
	CHECK_AS(near(4 * inverse[0] + 2 * inverse[1] + inverse[2], 1, 1e-14), "and has an inverse");
	CHECK_AS(crm_cholesky(singular, 2, 1e-12) == 1, "the column that another tells is named");
	CHECK_AS(crm_cholesky(bad, 2, 1e-12) == 0, "NaN is refused");
}

/* -- logistic regression ---------------------------------------------------------------- */

#define TILES 20

static CrmLogitTile *tiles[TILES];

static CrmLogitFault
logit(int columns, bool (*row) (int i, double *x), CrmLogitFit *fit)
{
	static double coefficients[8];
	static double errors[8];
	CrmLogitData data = {columns, TILES, tiles, NULL};
	double	   *scratch = malloc(sizeof(double) * crm_logit_scratch(columns));
	CrmLogitFault fault;

	for (int t = 0; t < TILES; t++)
	{
		tiles[t] = malloc(CRM_LOGIT_TILE_BYTES(columns));
		/* The last tile of a column is seldom full. */
		tiles[t]->rows = t == TILES - 1 ? 37 : CRM_LOGIT_ROWS;
		for (int i = 0; i < tiles[t]->rows; i++)
		{
			double		x[8] = {0};

			tiles[t]->y[i] = row(t * CRM_LOGIT_ROWS + i, x);
			for (int j = 0; j < columns; j++)
				tiles[t]->x[j * CRM_LOGIT_ROWS + i] = x[j];
		}
	}
	*fit = (CrmLogitFit) {.coefficients = coefficients, .standard_errors = errors};
	fault = crm_logit_fit(&data, scratch, fit);
	for (int t = 0; t < TILES; t++)
		free(tiles[t]);
	free(scratch);
	return fault;
}

/* One group with odds 1:3, one with 3:1: the coefficients are logarithms of odds. */
static bool
two_groups(int i, double *x)
{
	x[0] = i / 4 % 2;
	return x[0] != 0 ? i % 4 != 0 : i % 4 == 0;
}

static bool
shifted(int i, double *x)
{
	bool		y = two_groups(i, x);

	x[0] = 1e9 + x[0];
	return y;
}

static bool
constant(int i, double *x)
{
	x[0] = uniform();
	x[1] = 7;
	return i % 2;
}

static bool
collinear(int i, double *x)
{
	x[0] = uniform();
	x[1] = uniform();
	x[2] = 3 * x[0] - x[1] + 5;
	return i % 2;
}

static bool
separate(int i, double *x)
{
	x[0] = i;
	return i > 1000;
}

/* One value of a category never has the event; the rest is mixed. */
static bool
half_separate(int i, double *x)
{
	x[0] = i % 3 == 0;
	x[1] = uniform();
	return i % 3 != 0 && i % 2;
}

static bool
always(int i, double *x)
{
	x[0] = i;
	return true;
}

static void
test_logit(void)
{
	CrmLogitFit fit;
	/* 2469 rows end in the middle of a pattern of eight. */
	double		n[2][2] = {{0}};

	for (int i = 0; i < (TILES - 1) * CRM_LOGIT_ROWS + 37; i++)
	{
		double		x[8];
		bool		y = two_groups(i, x);

		n[(int) x[0]][y]++;
	}
	CHECK(logit(1, two_groups, &fit) == CRM_LOGIT_OK && fit.converged);
	CHECK_AS(near(fit.coefficients[0], log(n[0][1] / n[0][0]), 1e-13), "the intercept is the log odds of the first group");
	CHECK_AS(near(fit.coefficients[1], log(n[1][1] / n[1][0]) - fit.coefficients[0], 1e-13), "the coefficient is the log odds ratio");
	CHECK_AS(near(fit.standard_errors[1], sqrt(1 / n[0][0] + 1 / n[0][1] + 1 / n[1][0] + 1 / n[1][1]), 1e-8), "and its standard error that of a table");
	CHECK(logit(1, shifted, &fit) == CRM_LOGIT_OK);
	CHECK_AS(near(fit.coefficients[1], log(n[1][1] / n[1][0]) - log(n[0][1] / n[0][0]), 1e-6), "a billion added to a column does no harm");
	CHECK(logit(2, constant, &fit) == CRM_LOGIT_CONSTANT && fit.column == 2);
	CHECK(logit(3, collinear, &fit) == CRM_LOGIT_COLLINEAR && fit.column == 3);
	CHECK(logit(1, separate, &fit) == CRM_LOGIT_SEPARATED);
	CHECK(logit(2, half_separate, &fit) == CRM_LOGIT_SEPARATED);
	CHECK(logit(1, always, &fit) == CRM_LOGIT_ONE_CLASS);
	CHECK_AS(crm_logit_reason(CRM_LOGIT_SEPARATED)[0] != '\0', "faults have words");
}

/* -- ranks ------------------------------------------------------------------------------------ */

static void
test_ranks(void)
{
	double		event[300];
	double		other[200];
	uint64_t	e[300];
	uint64_t	o[200];
	uint64_t	spare[300];
	double		pairs = 0;
	double		largest = 0;
	bool		sorted = true;

	for (int i = 0; i < 300; i++)
		e[i] = crm_score_key(event[i] = floor(uniform() * 40) - 15);
	for (int i = 0; i < 200; i++)
		o[i] = crm_score_key(other[i] = floor(uniform() * 40) - 20);
	crm_score_sort(e, spare, 300);
	crm_score_sort(o, spare, 200);
	for (int i = 1; i < 300; i++)
		sorted &= e[i - 1] <= e[i] && crm_score_value(e[i - 1]) <= crm_score_value(e[i]);
	for (int i = 0; i < 300; i++)
		for (int j = 0; j < 200; j++)
			pairs += event[i] > other[j] ? 1 : event[i] == other[j] ? 0.5 : 0;
	for (int v = -20; v <= 25; v++)
	{
		double		f = 0;
		double		g = 0;

		for (int i = 0; i < 300; i++)
			f += event[i] <= v;
		for (int j = 0; j < 200; j++)
			g += other[j] <= v;
		largest = fmax(largest, fabs(f / 300 - g / 200));
	}
	CHECK_AS(sorted, "keys sort as their numbers");
	CHECK_AS(crm_score_key(-0.0) == crm_score_key(0.0), "-0 ties with 0");
	CHECK_AS(crm_score_key(-INFINITY) < crm_score_key(-1e300) && crm_score_key(1e300) < crm_score_key(INFINITY), "infinities stand at the ends");
	CHECK_AS(near(crm_score_auc(e, 300, o, 200), pairs / 60000, 1e-15), "AUC is the share of pairs in order, ties one half");
	CHECK_AS(near(crm_score_ks(e, 300, o, 200), largest, 1e-15), "KS is the largest distance");
	CHECK_AS(near(crm_score_woe(30, 70, 100, 300), log(0.3 / (70.0 / 300)), 1e-15), "weight of evidence");
	CHECK_AS(isfinite(crm_score_woe(0, 70, 100, 300)) && crm_score_woe(0, 0, 1, 1) == 0, "an empty cell is finite");
	CHECK_AS(near(crm_score_psi(0.1, 0.2), 0.1 * log(2), 1e-15) && isfinite(crm_score_psi(0, 1)), "stability index");
}

/* -- purchase models ------------------------------------------------------------------------------ */

static void
test_bgnbd(void)
{
	static CrmHistory history[4000];
	CrmHistories data = {history, 4000, 1, NULL};
	CrmMaximum	maximum;
	CrmBgnbd	m;
	double		gap = 1e-6;

	for (int i = 0; i < 4000; i++)
	{
		/* Rate and dropout by the inverse distribution functions that are easy: r = 1, b = 1. */
		double		rate = -log(uniform()) / 5;
		double		leave = 1 - pow(uniform(), 1 / 0.8);
		double		t = 20 + floor(uniform() * 20);
		double		now = 0;

		history[i] = (CrmHistory) {0, 0, t, 1};
		for (;;)
		{
			now += -log(uniform()) / rate;
			if (now > t)
				break;
			history[i].x++;
			history[i].t_x = now;
			if (uniform() < leave)
				break;
		}
	}
	qsort(history, 4000, sizeof(CrmHistory), crm_history_order);
	CHECK(crm_bgnbd_fit(&data, &maximum) && maximum.converged);
	m = (CrmBgnbd) {exp(maximum.theta[0]), exp(maximum.theta[1]), exp(maximum.theta[2]), exp(maximum.theta[3])};
	CHECK_AS(fabs(m.r - 1) < 0.25 && fabs(m.alpha - 5) < 2, "simulated customers give back their parameters, about");
	CHECK_AS(near(crm_bgnbd_p_alive(m, 0, 0, 30), 1, 0), "without a repeat purchase nobody has left");
	CHECK_AS(crm_bgnbd_p_alive(m, 900, 5, 40) >= 0 && crm_bgnbd_p_alive(m, 900, 5, 40) < 1e-30, "many purchases, then none: no overflow");
	CHECK_AS(near(crm_bgnbd_expected((CrmBgnbd) {1, 5, 1 + gap, 2}, 3, 9, 10, 12),
				  crm_bgnbd_expected((CrmBgnbd) {1, 5, 1, 2}, 3, 9, 10, 12), 1e-5), "a = 1 is no exception");
	CHECK_AS(isfinite(crm_bgnbd_expected((CrmBgnbd) {1, 5, 0.5, 0.5}, 0, 0, 0, 12)), "nor is a + b = 1");
	CHECK_AS(crm_bgnbd_expected(m, 2, 10, 12, 20) > crm_bgnbd_expected(m, 2, 10, 12, 10), "a longer time has more purchases");
	/* The published example: Hardie's spreadsheet for the CDNOW cohort. */
	m = (CrmBgnbd) {0.242594, 4.413602, 0.792919, 2.425881};
	CHECK_AS(fabs(crm_bgnbd_expected(m, 2, 30.43, 38.86, 39) - 1.226) < 5e-4, "E[Y(39) | 2, 30.43, 38.86] = 1.226");
}

static void
test_gamma_gamma(void)
{
	static CrmHistory history[3000];
	CrmHistories data = {history, 3000, 1, NULL};
	CrmMaximum	maximum;

	for (int i = 0; i < 3000; i++)
	{
		/* q = 3 and p = 2 are sums of exponential draws. */
		double		rate = -log(uniform() * uniform() * uniform()) / 15;
		double		x = 1 + floor(uniform() * 5);
		double		sum = 0;

		for (int k = 0; k < x; k++)
			sum += -log(uniform() * uniform()) / rate;
		history[i] = (CrmHistory) {x, sum / x, 0, 1};
	}
	qsort(history, 3000, sizeof(CrmHistory), crm_history_order);
	CHECK(crm_gamma_gamma_fit(&data, &maximum) && maximum.converged);
	CHECK_AS(fabs(exp(maximum.theta[0]) - 2) < 0.3 && fabs(exp(maximum.theta[1]) - 3) < 0.5, "simulated values give back their parameters, about");
	CHECK_AS(near(crm_gamma_gamma_expected((CrmGammaGamma) {2, 3, 15}, 0, 0), 15, 1e-15), "without purchases the mean of all");
	CHECK_AS(isinf(crm_gamma_gamma_expected((CrmGammaGamma) {2, 0.5, 15}, 0, 0)), "no mean where the model has none");
}

/* -- bins: every cut of nine groups, by brute force ---------------------------------------------- */

static double
best_cut(const CrmBinTask *task)
{
	double		best = -INFINITY;

	for (int cuts = 0; cuts < 1 << (task->groups - 1); cuts++)
	{
		double		value = 0;
		double		rate[16];
		CrmBinGroup sum = {0, 0};
		int			bins = 0;
		int			turns = 0;
		bool		fits = true;

		for (int g = 0; g < task->groups; g++)
		{
			sum.events += task->group[g].events;
			sum.others += task->group[g].others;
			if (g < task->groups - 1 && !(cuts & 1 << g))
				continue;
			fits &= sum.events + sum.others >= task->least;
			value += crm_score_iv(sum.events, sum.others, task->all_events, task->all_others);
			rate[bins++] = sum.events / (sum.events + sum.others);
			sum = (CrmBinGroup) {0, 0};
		}
		for (int b = 1; b < bins; b++)
		{
			bool		up = rate[b] > rate[b - 1];

			fits &= rate[b] != rate[b - 1] || task->trend == CRM_BIN_NONE;
			if (task->trend == CRM_BIN_ASCENDING)
				fits &= up;
			if (task->trend == CRM_BIN_DESCENDING)
				fits &= !up;
			turns += !up && (b == 1 || rate[b - 1] > rate[b - 2]);
			if (task->trend == CRM_BIN_PEAK)
				fits &= !(up && turns > 0);
			if (task->trend == CRM_BIN_VALLEY)
				fits &= up || b == 1 || rate[b - 1] < rate[b - 2];
		}
		if (fits && bins <= task->bins)
			best = fmax(best, value);
	}
	return best;
}

static double
cut_value(const CrmBinTask *task, const int *last, int bins)
{
	double		value = 0;
	int			g = 0;

	for (int b = 0; b < bins; b++)
	{
		CrmBinGroup sum = {0, 0};

		for (; g <= last[b]; g++)
		{
			sum.events += task->group[g].events;
			sum.others += task->group[g].others;
		}
		value += crm_score_iv(sum.events, sum.others, task->all_events, task->all_others);
	}
	return g == task->groups ? value : NAN;
}

static void
test_bins(void)
{
	double	   *scratch = malloc(sizeof(double) * crm_bin_scratch());
	bool		optimal = true;
	CrmBinGroup group[9];
	int			last[CRM_BIN_MOST];

	for (int round = 0; round < 60; round++)
	{
		CrmBinTask	task = {group, 9, 4, 12, 0, 0, CRM_BIN_ASCENDING + round % 5};

		for (int g = 0; g < 9; g++)
		{
			group[g] = (CrmBinGroup) {floor(uniform() * 20), floor(uniform() * 20)};
			task.all_events += group[g].events;
			task.all_others += group[g].others;
		}
		optimal &= near(cut_value(&task, last, crm_bin_optimal(&task, scratch, last)), best_cut(&task), 1e-12);
	}
	CHECK_AS(optimal, "no cut that keeps the trend has more information value, for each trend");
	{
		CrmBinTask	task = {group, 1, 4, 1000, group[0].events, group[0].others, CRM_BIN_AUTO};

		CHECK_AS(crm_bin_optimal(&task, scratch, last) == 1 && last[0] == 0, "too few rows are one bin");
	}
	CHECK(crm_bin_trend("valley") == CRM_BIN_VALLEY && crm_bin_trend("up") == -1);
	free(scratch);
}

/* -- points ------------------------------------------------------------------------------------------ */

#define ROWS 3000

static void
test_additive(void)
{
	static uint8_t level[ROWS * 3];
	static uint8_t y[ROWS];
	CrmAdditivePart part[3] = {{.levels = 10, .ordered = 10}, {.levels = 4}, {.levels = 6, .ordered = 5}};
	CrmAdditive model = {3, part, ROWS, level, y, 0, NULL};
	double	   *scratch = malloc(sizeof(double) * crm_additive_scratch(&model));
	bool		turns = false;
	bool		finite = true;

	for (int i = 0; i < ROWS; i++)
	{
		double		eta;

		level[i * 3] = (uint8_t) (uniform() * 10);
		level[i * 3 + 1] = (uint8_t) (uniform() * 4);
		level[i * 3 + 2] = (uint8_t) (uniform() * 6);
		eta = 0.3 * level[i * 3] - 1.5 + (level[i * 3 + 1] == 2);
		y[i] = uniform() < 1 / (1 + exp(-eta));
	}
	CHECK(crm_additive_fit(&model, scratch));
	for (int l = 1; l < 10; l++)
		turns |= (part[0].effect[l] - part[0].effect[l - 1]) * part[0].direction < 0;
	CHECK_AS(!turns && part[0].direction == 1, "effects in order do not turn");
	CHECK_AS(fabs(part[0].effect[9] - part[0].effect[0] - 2.7) < 0.6, "and are about those that made the data");
	CHECK_AS(fabs(part[1].effect[2] - part[1].effect[0] - 1) < 0.4, "so are those of a category");
	CHECK_AS(fabs(part[2].effect[4] - part[2].effect[0]) < 0.25, "what tells nothing is nearly flat");
	/* The event given away: penalties keep the effects finite. */
	for (int i = 0; i < ROWS; i++)
		level[i * 3 + 1] = y[i];
	CHECK(crm_additive_fit(&model, scratch));
	for (int l = 0; l < 4; l++)
		finite &= isfinite(part[1].effect[l]) && fabs(part[1].effect[l]) < 100;
	CHECK_AS(finite, "perfect separation has finite effects");
	free(scratch);
}

static void
test_edges(void)
{
	double		sorted[10] = {1, 1, 1, 1, 2, 3, 3, 4, 5, 6};
	double		edges[8];

	CHECK(crm_additive_edges(sorted, 10, 3, 2, edges) == 2 && edges[0] == 2 && edges[1] == 5);
	CHECK_AS(crm_additive_edges(sorted, 4, 3, 1, edges) == 0, "one value has no edge");
}

int
main(void)
{
	test_special();
	test_linear();
	test_logit();
	test_ranks();
	test_bgnbd();
	test_gamma_gamma();
	test_bins();
	test_additive();
	test_edges();
	return unit_done();
}
