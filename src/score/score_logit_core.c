/*
 * score_logit_core.c: logistic regression, maximum likelihood by Newton's method.
 *
 * Columns are centred and scaled while a tile is read, so that a column of large numbers
 * does not spoil the digits of the others; the result is turned back at the end.
 * Source: McCullagh and Nelder, Generalized Linear Models, 2nd ed., chapter 4; separation:
 * Albert and Anderson (1984), Biometrika 71(1).
 */
#include "score_logit_core.h"

#include <math.h>
#include <string.h>

#include "score_linear_core.h"

#define ROWS CRM_LOGIT_ROWS
#define CRM_LOGIT_ITERATIONS 50
/* What share of a column's spread must not be told by the columns before it. */
#define CRM_LOGIT_SHARE 1e-11
/* A fit that is not separated has converged long before. */
#define CRM_LOGIT_PATIENCE 10

typedef double Pair __attribute__((vector_size(16)));

typedef struct Work
{
	int			p;				/* unknowns: columns and intercept */
	double	   *mean;
	double	   *scale;
	double	   *beta;
	double	   *step;
	double	   *gradient;
	double	   *hessian;
	double	   *factor;
	double	   *z;				/* the tile, standardised; column 0 is the constant */
	double	   *weighted;
} Work;

size_t
crm_logit_scratch(int columns)
{
	size_t		p = (size_t) columns + 1;

	return 5 * p + 2 * p * p + (p + 1) * ROWS + 8;
}

static Work
lay_out(int columns, double *scratch)
{
	size_t		p = (size_t) columns + 1;
	Work		work = {.p = columns + 1};

	/* The tile first: its columns are read two doubles at a time. */
	scratch = (double *) (((uintptr_t) scratch + 15) & ~(uintptr_t) 15);
	work.z = scratch;
	work.weighted = work.z + p * ROWS;
	work.hessian = work.weighted + ROWS;
	work.factor = work.hessian + p * p;
	work.mean = work.factor + p * p;
	work.scale = work.mean + p;
	work.beta = work.scale + p;
	work.step = work.beta + p;
	work.gradient = work.step + p;
	return work;
}

/* Means and standard deviations in two passes: one pass would lose digits. */
static int
standards(const CrmLogitData *data, Work *work, double rows)
{
	for (int j = 0; j < data->columns; j++)
	{
		double		sum = 0;
		double		squares = 0;
		double		largest = 0;

		for (size_t t = 0; t < data->tiles; t++)
			for (int i = 0; i < data->tile[t]->rows; i++)
				sum += data->tile[t]->x[j * ROWS + i];
		work->mean[j + 1] = sum / rows;
		for (size_t t = 0; t < data->tiles; t++)
			for (int i = 0; i < data->tile[t]->rows; i++)
			{
				double		d = data->tile[t]->x[j * ROWS + i] - work->mean[j + 1];

				squares += d * d;
				largest = fmax(largest, fabs(data->tile[t]->x[j * ROWS + i]));
			}
		work->scale[j + 1] = sqrt(squares / rows);
		if (!(work->scale[j + 1] > 1e-14 * largest) || !isfinite(work->scale[j + 1]))
			return j + 1;
		if (data->interrupt)
			data->interrupt();
	}
	return 0;
}

static void
standardise(const CrmLogitTile *tile, Work *work)
{
	for (int i = 0; i < ROWS; i++)
		work->z[i] = i < tile->rows;
	for (int j = 1; j < work->p; j++)
	{
		const double *x = tile->x + (j - 1) * ROWS;
		double	   *z = work->z + j * ROWS;
		double		mean = work->mean[j];
		double		factor = 1 / work->scale[j];

		for (int i = 0; i < tile->rows; i++)
			z[i] = (x[i] - mean) * factor;
		for (int i = tile->rows; i < ROWS; i++)
			z[i] = 0;
	}
}

/* Sums of products of one column with four others at once: each load serves four. */
static void
products(const double *a, const double *b, double *sums)
{
	Pair		s0 = {0, 0};
	Pair		s1 = {0, 0};
	Pair		s2 = {0, 0};
	Pair		s3 = {0, 0};
	const Pair *va = (const Pair *) a;
	const Pair *v0 = (const Pair *) b;
	const Pair *v1 = (const Pair *) (b + ROWS);
	const Pair *v2 = (const Pair *) (b + 2 * ROWS);
	const Pair *v3 = (const Pair *) (b + 3 * ROWS);

	for (int i = 0; i < ROWS / 2; i++)
	{
		s0 += va[i] * v0[i];
		s1 += va[i] * v1[i];
		s2 += va[i] * v2[i];
		s3 += va[i] * v3[i];
	}
	sums[0] += s0[0] + s0[1];
	sums[1] += s1[0] + s1[1];
	sums[2] += s2[0] + s2[1];
	sums[3] += s3[0] + s3[1];
}

static double
product(const double *a, const double *b)
{
	Pair		s = {0, 0};
	const Pair *va = (const Pair *) a;
	const Pair *vb = (const Pair *) b;

	for (int i = 0; i < ROWS / 2; i++)
		s += va[i] * vb[i];
	return s[0] + s[1];
}

/* eta = z'v for each row of the tile. */
static void
linear(const Work *work, const double *v, double *eta)
{
	for (int i = 0; i < ROWS; i++)
		eta[i] = work->z[i] * v[0];
	for (int j = 1; j < work->p; j++)
	{
		const double *z = work->z + j * ROWS;
		double		b = v[j];

		for (int i = 0; i < ROWS; i++)
			eta[i] += z[i] * b;
	}
}

static double
add_tile(const CrmLogitTile *tile, Work *work)
{
	double		eta[ROWS] __attribute__((aligned(16)));
	double		residual[ROWS] __attribute__((aligned(16)));
	double		weight[ROWS];
	double		log_likelihood = 0;
	int			p = work->p;

	standardise(tile, work);
	linear(work, work->beta, eta);
	memset(residual, 0, sizeof(residual));
	memset(weight, 0, sizeof(weight));
	for (int i = 0; i < tile->rows; i++)
	{
		double		e = exp(-fabs(eta[i]));
		double		small = e / (1 + e);
		double		probability = eta[i] > 0 ? 1 - small : small;

		/* For y = 1 and eta > 0, 1 - p would lose the digits that small has. */
		residual[i] = tile->y[i] ? (eta[i] > 0 ? small : 1 - small) : -probability;
		weight[i] = small / (1 + e);
		log_likelihood -= log1p(e) + ((eta[i] > 0) != (tile->y[i] != 0) ? fabs(eta[i]) : 0);
	}
	for (int j = 0; j < p; j++)
	{
		const double *z = work->z + j * ROWS;
		int			k = 0;

		work->gradient[j] += product(z, residual);
		for (int i = 0; i < ROWS; i++)
			work->weighted[i] = z[i] * weight[i];
		for (; k + 4 <= j + 1; k += 4)
			products(work->weighted, work->z + k * ROWS, work->hessian + j * p + k);
		for (; k <= j; k++)
			work->hessian[j * p + k] += product(work->weighted, work->z + k * ROWS);
	}
	return log_likelihood;
}

static double
pass(const CrmLogitData *data, Work *work)
{
	double		log_likelihood = 0;

	memset(work->gradient, 0, sizeof(double) * work->p);
	memset(work->hessian, 0, sizeof(double) * work->p * work->p);
	for (size_t t = 0; t < data->tiles; t++)
	{
		log_likelihood += add_tile(data->tile[t], work);
		if (data->interrupt && t % 256 == 255)
			data->interrupt();
	}
	return log_likelihood;
}

/*
 * Whether every row lies on its own side of the last step, or upon it: then the likelihood
 * rises along it for ever, and there is no finite estimate.
 */
static bool
separated(const CrmLogitData *data, Work *work)
{
	double		eta[ROWS];
	double		wrong = 0;
	double		largest = 0;

	for (size_t t = 0; t < data->tiles; t++)
	{
		standardise(data->tile[t], work);
		linear(work, work->step, eta);
		for (int i = 0; i < data->tile[t]->rows; i++)
		{
			wrong = fmax(wrong, data->tile[t]->y[i] ? -eta[i] : eta[i]);
			largest = fmax(largest, fabs(eta[i]));
		}
	}
	return wrong <= 1e-3 * largest;
}

/* From the standardised scale to that of the data; the factor becomes its inverse's. */
static void
turn_back(Work *work, CrmLogitFit *fit)
{
	int			p = work->p;
	double	   *covariance = work->hessian;
	double	   *turn = work->step;
	double		variance = 0;

	crm_cholesky_invert(work->factor, p, covariance);
	turn[0] = 1;
	fit->coefficients[0] = work->beta[0];
	for (int j = 1; j < p; j++)
	{
		turn[j] = -work->mean[j] / work->scale[j];
		fit->coefficients[j] = work->beta[j] / work->scale[j];
		fit->coefficients[0] += work->beta[j] * turn[j];
		fit->standard_errors[j] = sqrt(covariance[j * p + j]) / work->scale[j];
	}
	for (int j = 0; j < p; j++)
		for (int k = 0; k < p; k++)
			variance += turn[j] * turn[k] * covariance[j * p + k];
	fit->standard_errors[0] = sqrt(variance);
}

static CrmLogitFault
check(const CrmLogitData *data, Work *work, CrmLogitFit *fit)
{
	double		rows = 0;
	double		events = 0;

	for (size_t t = 0; t < data->tiles; t++)
	{
		rows += data->tile[t]->rows;
		for (int i = 0; i < data->tile[t]->rows; i++)
			events += data->tile[t]->y[i];
	}
	if (rows == 0)
		return CRM_LOGIT_EMPTY;
	if (events == 0 || events == rows)
		return CRM_LOGIT_ONE_CLASS;
	work->mean[0] = 0;
	work->scale[0] = 1;
	fit->column = standards(data, work, rows);
	if (fit->column > 0)
		return CRM_LOGIT_CONSTANT;
	memset(work->beta, 0, sizeof(double) * work->p);
	work->beta[0] = log(events / (rows - events));
	return CRM_LOGIT_OK;
}

/* Half the step until the likelihood is not less; what rounding alone decides is taken as it is. */
static double
advance(const CrmLogitData *data, Work *work, double log_likelihood, double promise)
{
	double		value;

	for (int j = 0; j < work->p; j++)
		work->beta[j] += work->step[j];
	value = pass(data, work);
	for (int halvings = 0; halvings < 30 && value < log_likelihood && promise > 1e-9 * (1 + fabs(log_likelihood)); halvings++)
	{
		for (int j = 0; j < work->p; j++)
		{
			work->step[j] /= 2;
			work->beta[j] -= work->step[j];
		}
		value = pass(data, work);
	}
	return value;
}

CrmLogitFault
crm_logit_fit(const CrmLogitData *data, double *scratch, CrmLogitFit *fit)
{
	Work		work = lay_out(data->columns, scratch);
	CrmLogitFault fault = check(data, &work, fit);

	fit->converged = false;
	fit->iterations = 0;
	if (fault != CRM_LOGIT_OK)
		return fault;
	fit->log_likelihood = pass(data, &work);
	for (;;)
	{
		double		promise = 0;

		memcpy(work.factor, work.hessian, sizeof(double) * work.p * work.p);
		fit->column = crm_cholesky(work.factor, work.p, CRM_LOGIT_SHARE);
		if (fit->column >= 0)
			return fit->iterations == 0 ? CRM_LOGIT_COLLINEAR : CRM_LOGIT_SEPARATED;
		memcpy(work.step, work.gradient, sizeof(double) * work.p);
		crm_cholesky_solve(work.factor, work.p, work.step);
		for (int j = 0; j < work.p; j++)
			promise += work.gradient[j] * work.step[j];
		fit->converged = promise < 1e-18 * (1 + fabs(fit->log_likelihood));
		if (fit->iterations >= CRM_LOGIT_PATIENCE && separated(data, &work))
			return CRM_LOGIT_SEPARATED;
		if (fit->converged || fit->iterations == CRM_LOGIT_ITERATIONS)
			break;
		fit->log_likelihood = advance(data, &work, fit->log_likelihood, promise);
		fit->iterations++;
	}
	/* The last step is known already, and is too short for the likelihood to show it. */
	for (int j = 0; j < work.p && fit->converged; j++)
		work.beta[j] += work.step[j];
	turn_back(&work, fit);
	return CRM_LOGIT_OK;
}

const char *
crm_logit_reason(CrmLogitFault fault)
{
	switch (fault)
	{
		case CRM_LOGIT_OK:
			return "";
		case CRM_LOGIT_EMPTY:
			return "There is no row.";
		case CRM_LOGIT_ONE_CLASS:
			return "All rows have the same outcome.";
		case CRM_LOGIT_CONSTANT:
			return "The column has one value only.";
		case CRM_LOGIT_COLLINEAR:
			return "The column is a combination of those before it.";
		case CRM_LOGIT_SEPARATED:
			return "Some combination of the columns tells the outcome without error, so the likelihood has no maximum.";
	}
	return "";
}
