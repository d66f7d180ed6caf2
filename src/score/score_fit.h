/*
 * score_fit.h: what the aggregates of room score have in common.
 */
#ifndef CRM_SCORE_FIT_H
#define CRM_SCORE_FIT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"

extern void crm_score_fit_init(void);

/* The context of the aggregate's state; an error outside of an aggregate. */
extern MemoryContext crm_score_context(FunctionCallInfo fcinfo);
/* Refuses a state of more bytes than crm.score_fit_memory allows. */
extern void crm_score_room(Size bytes);
extern void crm_score_interrupt(void);
extern Datum crm_score_tuple(FunctionCallInfo fcinfo, Datum *values, bool *nulls);
extern ArrayType *crm_score_float_array(const double *values, int n);
/* Refuses a query whose columns are not those of which what comes of it is made. */
extern void crm_score_require_columns(bool fit, const char *wanted);
/* The numbers of a one-dimensional array without nulls. */
extern const double *crm_score_floats(ArrayType *array, int *n);
/* Refuses NaN and infinities; what names the argument. */
extern double crm_score_finite(double value, const char *what);

#endif
