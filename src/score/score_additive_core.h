/*
 * score_additive_core.h: a score that is a sum of points, one for the level of each
 * characteristic: logistic regression with a penalty of its own for each characteristic.
 */
#ifndef CRM_SCORE_ADDITIVE_CORE_H
#define CRM_SCORE_ADDITIVE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Levels of one characteristic, what is missing included. */
#define CRM_ADDITIVE_LEVELS 64
/* The most characteristics. */
#define CRM_ADDITIVE_PARTS 255

typedef struct CrmAdditivePart
{
	int			levels;
	/* The first so many are in order, and their effects must not turn; 0 for a category. */
	int			ordered;
	int			direction;		/* 1 rising, -1 falling: set by the fit */
	int			group[CRM_ADDITIVE_LEVELS]; /* levels of one group have the same effect */
	int			groups;
	int			first;			/* of its unknowns */
	double		penalty;
	double		freedom;		/* how many of its groups the data pay for */
	double		effect[CRM_ADDITIVE_LEVELS];
	double		events[CRM_ADDITIVE_LEVELS];
	double		others[CRM_ADDITIVE_LEVELS];
} CrmAdditivePart;

typedef struct CrmAdditive
{
	int			parts;
	CrmAdditivePart *part;
	size_t		rows;
	const uint8_t *level;		/* row by row, one for each part */
	const uint8_t *y;
	double		intercept;
	void		(*interrupt) (void);
} CrmAdditive;

/* How many doubles of scratch the fit needs, levels set. */
extern size_t crm_additive_scratch(const CrmAdditive *model);
/* False when the equations cannot be solved. */
extern bool crm_additive_fit(CrmAdditive *model, double *scratch);

/*
 * Edges that cut sorted numbers into at most so many levels, none of fewer than least
 * rows; a level begins with its edge. Returns how many edges, one less than levels.
 */
extern int	crm_additive_edges(const double *sorted, size_t n, int levels, size_t least, double *edges);

#endif
