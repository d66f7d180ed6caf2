/*
 * score_bgnbd_core.h: repeat purchases (BG/NBD) and their value (gamma-gamma).
 */
#ifndef CRM_SCORE_BGNBD_CORE_H
#define CRM_SCORE_BGNBD_CORE_H

#include <stdbool.h>
#include <stddef.h>

#include "score_linear_core.h"

/* Customers with the same history: repeat purchases, time of the last, time watched. */
typedef struct CrmHistory
{
	double		x;
	double		t_x;
	double		t;
	double		weight;
} CrmHistory;

typedef struct CrmBgnbd
{
	double		r;
	double		alpha;
	double		a;
	double		b;
} CrmBgnbd;

typedef struct CrmGammaGamma
{
	double		p;
	double		q;
	double		v;
} CrmGammaGamma;

typedef struct CrmHistories
{
	const CrmHistory *history;	/* ordered by x */
	size_t		count;
	size_t		step;			/* 1, or every so manieth customer of each x */
	void		(*interrupt) (void);	/* called now and then, may be NULL */
} CrmHistories;

/* Orders for qsort: by x, then the rest. */
extern int	crm_history_order(const void *a, const void *b);

/* maximum->theta holds the logarithms of r, alpha, a, b; false when there is no maximum. */
extern bool crm_bgnbd_fit(const CrmHistories *data, CrmMaximum *maximum);
/* The mean purchase value stands in t_x; theta holds the logarithms of p, q, v. */
extern bool crm_gamma_gamma_fit(const CrmHistories *data, CrmMaximum *maximum);

extern double crm_bgnbd_p_alive(CrmBgnbd m, double x, double t_x, double t);
/* Purchases expected in the time to come; a new customer has x = t_x = t = 0. */
extern double crm_bgnbd_expected(CrmBgnbd m, double x, double t_x, double t, double horizon);
/* Value of a purchase to expect; infinite where the model has no mean. */
extern double crm_gamma_gamma_expected(CrmGammaGamma m, double x, double mean_value);

#endif
