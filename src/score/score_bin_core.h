/*
 * score_bin_core.h: the bins that keep most information value under a trend.
 */
#ifndef CRM_SCORE_BIN_CORE_H
#define CRM_SCORE_BIN_CORE_H

#include <stddef.h>

#define CRM_BIN_GROUPS 64
#define CRM_BIN_MOST 20

typedef enum CrmBinTrend
{
	CRM_BIN_AUTO,				/* ascending or descending, whichever keeps more */
	CRM_BIN_ASCENDING,
	CRM_BIN_DESCENDING,
	CRM_BIN_PEAK,				/* up, then down */
	CRM_BIN_VALLEY,
	CRM_BIN_NONE
} CrmBinTrend;

/* Neighbours that may be joined, in order. */
typedef struct CrmBinGroup
{
	double		events;
	double		others;
} CrmBinGroup;

typedef struct CrmBinTask
{
	const CrmBinGroup *group;
	int			groups;
	int			bins;			/* at most */
	double		least;			/* rows of a bin */
	double		all_events;
	double		all_others;
	CrmBinTrend trend;
} CrmBinTask;

extern size_t crm_bin_scratch(void);
/* How many bins, last[] being the last group of each; a single bin when nothing can be split. */
extern int	crm_bin_optimal(const CrmBinTask *task, double *scratch, int *last);
/* -1 for no trend's name. */
extern int	crm_bin_trend(const char *name);

#endif
