/*
 * match_join.h: clusters while records come and go: match_join.c adds records and takes
 * them out, match_recluster.c makes clusters anew.
 */
#ifndef CRM_MATCH_JOIN_H
#define CRM_MATCH_JOIN_H

#include "match_find.h"
#include "match_saved.h"

/* Members of a cluster that is made anew; a larger one waits for the next run. */
#define RECLUSTER_MOST 200

typedef struct Members
{
	int64	   *record;
	int			count;
} Members;

/* -- match_join.c ----------------------------------------------------------------------- */

/* Whether people judged any pair of the model: most have no such pair. */
extern bool crm_match_any_judged(CrmMatchFind *find);
/* A cluster's members from now on; into: the cluster that it has become, 0: it stays. */
extern void crm_match_set_cluster(CrmMatchFind *find, int64 cluster, int64 into, const int64 *record, int count);
/* NEXT_RECORD or NEXT_CLUSTER; others who add to the model wait until we commit. */
extern int64 crm_match_next_number(CrmMatchFind *find, Statement which);
/* find->prepared with its keys, and its candidates as pairs. */
extern void crm_match_store_record(CrmMatchFind *find, int64 record, const char *id, int64 cluster);
extern void crm_match_store_pairs(CrmMatchFind *find, int64 record);

/* -- match_recluster.c ------------------------------------------------------------------ */

/* Members fall into clusters as a run would have them; the cluster that the record follow is in then. */
extern int64 crm_match_recluster(CrmMatchFind *find, const Members *members, int64 cluster, int64 follow);

#endif							/* CRM_MATCH_JOIN_H */
