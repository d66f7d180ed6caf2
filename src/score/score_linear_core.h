/*
 * score_linear_core.h: dense linear algebra of a few dozen unknowns, and the search
 * for a maximum over a handful of parameters. Matrices are square, row by row.
 */
#ifndef CRM_SCORE_LINEAR_CORE_H
#define CRM_SCORE_LINEAR_CORE_H

#include <stdbool.h>
#include <stddef.h>

/* Most parameters that crm_maximize searches over. */
#define CRM_MAXIMIZE_PARAMETERS 4

/*
 * Factor a symmetric positive definite matrix into L L' in its lower half. Returns -1, or
 * the first column of which no more than the given share is left by those before it.
 */
extern int	crm_cholesky(double *a, int n, double share);
/* Solve L L' x = b in place. */
extern void crm_cholesky_solve(const double *l, int n, double *b);
/* The inverse of L L', both halves. */
extern void crm_cholesky_invert(const double *l, int n, double *inverse);

/* A function of the logarithms of its parameters: value, gradient, matrix of second derivatives. */
typedef double (*CrmObjective) (const void *data, const double *theta, double *gradient, double *hessian);

typedef struct CrmMaximum
{
	double		theta[CRM_MAXIMIZE_PARAMETERS];
	double		value;
	int			iterations;
	bool		converged;
} CrmMaximum;

/* From maximum->theta upwards; false when the function has no maximum that can be found. */
extern bool crm_maximize(CrmObjective objective, const void *data, int n, CrmMaximum *maximum);

#endif
