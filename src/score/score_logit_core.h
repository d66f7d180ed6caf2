/*
 * score_logit_core.h: logistic regression by Newton's method over rows held in tiles.
 *
 * A tile holds up to CRM_LOGIT_ROWS rows, one column after the other, so that the sums of
 * products run over neighbours in memory.
 */
#ifndef CRM_SCORE_LOGIT_CORE_H
#define CRM_SCORE_LOGIT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRM_LOGIT_ROWS 128
#define CRM_LOGIT_COLUMNS 500

typedef struct CrmLogitTile
{
	int32_t		rows;
	uint8_t		y[CRM_LOGIT_ROWS];
	double		x[];			/* column j begins at x[j * CRM_LOGIT_ROWS] */
} CrmLogitTile;

#define CRM_LOGIT_TILE_BYTES(columns) (sizeof(CrmLogitTile) + sizeof(double) * CRM_LOGIT_ROWS * (size_t) (columns))

typedef struct CrmLogitData
{
	int			columns;
	size_t		tiles;
	CrmLogitTile **tile;
	void		(*interrupt) (void);	/* called now and then, may be NULL */
} CrmLogitData;

typedef enum CrmLogitFault
{
	CRM_LOGIT_OK,
	CRM_LOGIT_EMPTY,
	CRM_LOGIT_ONE_CLASS,
	CRM_LOGIT_CONSTANT,
	CRM_LOGIT_COLLINEAR,
	CRM_LOGIT_SEPARATED
} CrmLogitFault;

typedef struct CrmLogitFit
{
	double	   *coefficients;	/* columns + 1, the intercept first */
	double	   *standard_errors;
	double		log_likelihood;
	int			iterations;
	bool		converged;
	int			column;			/* of the fault, from 1 */
} CrmLogitFit;

/* How many doubles of scratch the fit needs. */
extern size_t crm_logit_scratch(int columns);
extern CrmLogitFault crm_logit_fit(const CrmLogitData *data, double *scratch, CrmLogitFit *fit);
extern const char *crm_logit_reason(CrmLogitFault fault);

#endif
