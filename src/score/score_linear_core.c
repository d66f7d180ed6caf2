/*
 * score_linear_core.c: Cholesky's factors, and Newton's method damped where it must be.
 */
#include "score_linear_core.h"

#include <math.h>
#include <string.h>

/* Far enough in the logarithm for any parameter that data can tell from 0 or infinity. */
#define CRM_THETA_LIMIT 18.0
#define CRM_MAXIMIZE_ITERATIONS 200

/* Several rows at once, whose sums do not wait for each other; each sum keeps its order. */
#define LANES 8

/* Column j of so many rows from i on. */
static void
cholesky_rows(double *a, int n, int j, int i, int rows)
{
	const double *pivot = a + (size_t) j * n;
	const double *row[LANES];
	double		sum[LANES];

	for (int r = 0; r < LANES; r++)
	{
		row[r] = a + (size_t) (i + (r < rows ? r : 0)) * n;
		sum[r] = row[r][j];
	}
	for (int k = 0; k < j; k++)
		for (int r = 0; r < LANES; r++)
			sum[r] -= row[r][k] * pivot[k];
	for (int r = 0; r < rows; r++)
		a[(size_t) (i + r) * n + j] = sum[r] / pivot[j];
}

int
crm_cholesky(double *a, int n, double share)
{
	for (int j = 0; j < n; j++)
	{
		double		left = a[j * n + j];
		double		root;

		for (int k = 0; k < j; k++)
			left -= a[j * n + k] * a[j * n + k];
		/* Written so that NaN is refused too. */
		if (!(left > share * a[j * n + j]) || !(left > 0))
			return j;
		root = sqrt(left);
		a[j * n + j] = root;
		for (int i = j + 1; i < n; i += LANES)
			cholesky_rows(a, n, j, i, i + LANES < n ? LANES : n - i);
	}
	return -1;
}

void
crm_cholesky_solve(const double *l, int n, double *b)
{
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < i; k++)
			b[i] -= l[i * n + k] * b[k];
		b[i] /= l[i * n + i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < n; k++)
			b[i] -= l[k * n + i] * b[k];
		b[i] /= l[i * n + i];
	}
}

/* crm_cholesky_solve() for LANES right-hand sides, one row after the other, that are 0 before an index. */
static void
solve_rows(const double *l, int n, double *b, int from)
{
	double		sum[LANES];

	for (int i = from; i < n; i++)
	{
		const double *row = l + (size_t) i * n;

		for (int r = 0; r < LANES; r++)
			sum[r] = b[(size_t) r * n + i];
		for (int k = from; k < i; k++)
			for (int r = 0; r < LANES; r++)
				sum[r] -= row[k] * b[(size_t) r * n + k];
		for (int r = 0; r < LANES; r++)
			b[(size_t) r * n + i] = sum[r] / row[i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		for (int r = 0; r < LANES; r++)
			sum[r] = b[(size_t) r * n + i];
		for (int k = i + 1; k < n; k++)
			for (int r = 0; r < LANES; r++)
				sum[r] -= l[(size_t) k * n + i] * b[(size_t) r * n + k];
		for (int r = 0; r < LANES; r++)
			b[(size_t) r * n + i] = sum[r] / l[(size_t) i * n + i];
	}
}

void
crm_cholesky_invert(const double *l, int n, double *inverse)
{
	memset(inverse, 0, sizeof(double) * n * n);
	for (int j = 0; j < n; j++)
		inverse[(size_t) j * n + j] = 1;
	for (int j = 0; j + LANES <= n; j += LANES)
		solve_rows(l, n, inverse + (size_t) j * n, j);
	for (int j = n - n % LANES; j < n; j++)
		crm_cholesky_solve(l, n, inverse + (size_t) j * n);
}

/*
 * The step that Newton's method would take; where the function is not concave, the
 * diagonal is raised until it is. Returns the rise that the step promises, twice.
 */
static double
newton_step(int n, const double *gradient, const double *hessian, double *step)
{
	double		scale = 0;
	double		promise = 0;

	for (int i = 0; i < n; i++)
		scale = fmax(scale, fabs(hessian[i * n + i]));
	scale = scale > 0 ? scale : 1;
	for (double ridge = 0; ridge < 1e12; ridge = ridge > 0 ? ridge * 10 : 1e-9)
	{
		double		factor[CRM_MAXIMIZE_PARAMETERS * CRM_MAXIMIZE_PARAMETERS];

		for (int i = 0; i < n * n; i++)
			factor[i] = -hessian[i] + (i % (n + 1) == 0 ? ridge * scale : 0);
		if (crm_cholesky(factor, n, 1e-13) >= 0)
			continue;
		memcpy(step, gradient, sizeof(double) * n);
		crm_cholesky_solve(factor, n, step);
		break;
	}
	for (int i = 0; i < n; i++)
		promise += gradient[i] * step[i];
	return promise;
}

/* No parameter moves by more than a factor of seven at once: far away the curvature misleads. */
static void
shorten(int n, double *step)
{
	double		longest = 0;

	for (int i = 0; i < n; i++)
		longest = fmax(longest, fabs(step[i]));
	for (int i = 0; i < n && longest > 2; i++)
		step[i] *= 2 / longest;
}

static bool
within_limits(int n, const double *theta)
{
	for (int i = 0; i < n; i++)
		if (!(fabs(theta[i]) < CRM_THETA_LIMIT))
			return false;
	return true;
}

bool
crm_maximize(CrmObjective objective, const void *data, int n, CrmMaximum *maximum)
{
	double		gradient[CRM_MAXIMIZE_PARAMETERS];
	double		hessian[CRM_MAXIMIZE_PARAMETERS * CRM_MAXIMIZE_PARAMETERS];
	double		step[CRM_MAXIMIZE_PARAMETERS] = {0};

	maximum->converged = false;
	maximum->value = objective(data, maximum->theta, gradient, hessian);
	for (maximum->iterations = 1; maximum->iterations <= CRM_MAXIMIZE_ITERATIONS; maximum->iterations++)
	{
		double		promise = newton_step(n, gradient, hessian, step);
		double		length = 1;
		double		theta[CRM_MAXIMIZE_PARAMETERS];
		double		value;

		if (!isfinite(promise) || !isfinite(maximum->value))
			return false;
		shorten(n, step);
		/* Close to the top the promise is below what the sum's rounding can show. */
		for (;; length /= 2)
		{
			for (int i = 0; i < n; i++)
				theta[i] = maximum->theta[i] + length * step[i];
			value = within_limits(n, theta) ? objective(data, theta, gradient, hessian) : -INFINITY;
			if (value >= maximum->value + 1e-4 * length * promise ||
				(promise < 1e-9 * (1 + fabs(maximum->value)) && value > -INFINITY))
				break;
			if (length < 1e-6)
				return false;
		}
		memcpy(maximum->theta, theta, sizeof(double) * n);
		maximum->value = value;
		if (promise < 1e-16 * (1 + fabs(value)) && promise >= 0)
			return maximum->converged = true;
	}
	return false;
}
