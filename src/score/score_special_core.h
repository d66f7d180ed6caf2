/*
 * score_special_core.h: the special functions that purchase models need.
 */
#ifndef CRM_SCORE_SPECIAL_CORE_H
#define CRM_SCORE_SPECIAL_CORE_H

/* For positive arguments. */
extern double crm_lgamma(double x);
extern double crm_digamma(double x);
extern double crm_trigamma(double x);

/* ln Γ(z + n) - ln Γ(z) and its first two derivatives by z, without cancellation for small n. */
typedef struct CrmRising
{
	double		log;
	double		first;
	double		second;
} CrmRising;

extern CrmRising crm_rising(double z, double n);

/* c (2F1(a, e; c; z) - 1) / e by its series, smooth at c = 0 and e = 0; for 0 <= z < 1 and c > -1. */
extern double crm_hypergeometric_slope(double a, double e, double c, double z);

#endif
