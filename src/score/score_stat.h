/*
 * score_stat.h: outcomes by number and by text, as the aggregates of room score hold them.
 */
#ifndef CRM_SCORE_STAT_H
#define CRM_SCORE_STAT_H

#include "score/score_fit.h"

#include "score/score_bin_core.h"

#define CRM_WOE_SPECIAL 16

/* How bins are to be made; all zero for the other aggregates. */
typedef struct CrmWoeOptions
{
	int32		is_set;
	int32		trend;
	int32		bins;
	int32		specials;
	double		least_share;
	double		special[CRM_WOE_SPECIAL];
	int64		special_count[CRM_WOE_SPECIAL][2];
	int64		missing[2];
} CrmWoeOptions;

/* Sortable keys of numbers, without the event and with it. */
typedef struct CrmScoreKeys
{
	uint64	   *key;
	Size		count;
	Size		room;
} CrmScoreKeys;

typedef struct CrmScoreState
{
	CrmScoreKeys keys[2];
	bool		sorted;
	CrmWoeOptions options;
} CrmScoreState;

extern void crm_score_keys_add(MemoryContext context, CrmScoreState *state, int side, double value);
extern void crm_score_keys_sorted(CrmScoreState *state);

typedef struct CrmBinEntry
{
	text	   *bin;			/* NULL: the null bin */
	uint32		hash;
	char		status;
	int64		count[2];
} CrmBinEntry;

typedef struct CrmBinState
{
	struct crm_bins_hash *bins;
	Size		bytes;
	CrmWoeOptions options;
} CrmBinState;

extern CrmBinState *crm_score_bins_begin(MemoryContext context);
extern void crm_score_bins_add(MemoryContext context, CrmBinState *state, text *bin, int64 others, int64 events);
/* In the order of their bytes, the null bin last. */
extern CrmBinEntry **crm_score_bins_list(CrmBinState *state, int *n);

#endif
