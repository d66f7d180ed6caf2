/*
 * score_linear_core.c: Cholesky's factors, and Newton's method damped where it must be.
 */
#include "score_linear_core.h"

#include <math.h>
#include <string.h>

/* Far enough in the logarithm for any parameter that data can tell from 0 or infinity. */
#define CRM_THETA_LIMIT 18.0
#define CRM_MAXIMIZE_ITERATIONS 200

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
		for (int i = j + 1; i < n; i++)
		{
			double		sum = a[i * n + j];

			for (int k = 0; k < j; k++)
				sum -= a[i * n + k] * a[j * n + k];
			a[i * n + j] = sum / root;
		}
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

void
crm_cholesky_invert(const double *l, int n, double *inverse)
{
	for (int j = 0; j < n; j++)
	{
		double	   *row = inverse + (size_t) j * n;

		memset(row, 0, sizeof(double) * n);
		row[j] = 1;
		crm_cholesky_solve(l, n, row);
	}
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
