/*
 * match_run.h: the engine over a model's whole source: match_run.c is a run's stages,
 * match_read.c what they work on, match_write.c what they found; match_tune.c trains and
 * predicts step by step.
 */
#ifndef CRM_MATCH_RUN_H
#define CRM_MATCH_RUN_H

#include "match_room.h"

#include "utils/timestamp.h"

/* Keys that a worker made; the engine's memory. */
typedef struct CrmMatchBag
{
	struct CrmMatchEntry *entry;
	size_t		count;
	size_t		room;
	size_t		at;				/* the first that is not written */
} CrmMatchBag;

typedef struct CrmMatchRun
{
	CrmMatchStored *model;
	CrmMatchEngine *engine;
	CrmMatchHost host;
	CrmMatchFault fault;
	MemoryContext context;
	MemoryContextCallback destroy;
	uint32		source;			/* the one that is being read */
	char	   *id_bytes;
	size_t		id_room;
	size_t		ids;			/* rows read */
	size_t		first_source;	/* of them, from the first source */
	uint64	   *id_start;		/* of each record, one more at the end */
	size_t		id_start_room;
	uint64		fingerprint;
	bool		only_looks;		/* reads for the fingerprint alone */
	int64		number;			/* of this run */
	bool		commits;
	int64		job;			/* 0: none */
	TimestampTz told;
	ErrorData  *error;			/* raised while the engine was at work */
	CrmMatchBag *bag;			/* keys of each task */
	size_t		bags;
} CrmMatchRun;

/* Needs SPI connected.  commits: the caller is outside of a transaction block. */
extern CrmMatchRun *crm_match_run_open(CrmMatchStored *model, bool commits);
extern void crm_match_run_close(CrmMatchRun *run);
/* Where the caller is outside of a transaction block; 55P03 when somebody else took the model meanwhile. */
extern void crm_match_run_commit(CrmMatchRun *run);
/* Whether the engine is to stop: a host's question, so its argument is the run. */
extern bool crm_match_run_canceled(void *context);
/* Raises what a step of the engine answered. */
extern void crm_match_run_checked(CrmMatchRun *run, CrmMatchCode code);

/* -- match_read.c --------------------------------------------------------------------- */

extern void crm_match_run_read(CrmMatchRun *run);
/* Memory of the run for so many of a size, at least; room is how many it has. */
extern void *crm_match_run_grown(CrmMatchRun *run, void *old, size_t *room, size_t needed, size_t size);
extern const char *crm_match_run_id(const CrmMatchRun *run, uint32 record, size_t *length);
/* Compares two CrmMatchEntry: hash, then record. */
extern int	crm_match_by_hash(const void *a, const void *b);
/* (hash of id, record), sorted; raises 23505 for equal ids. */
extern struct CrmMatchEntry *crm_match_run_sort_ids(const CrmMatchRun *run);
extern bool crm_match_run_find(const CrmMatchRun *run, const struct CrmMatchEntry *sorted, const char *id, uint32 *record);
/* Pairs that people judged. */
extern CrmMatchLabel *crm_match_run_labels(CrmMatchRun *run, const struct CrmMatchEntry *sorted, size_t *count);

/* -- match_write.c -------------------------------------------------------------------- */

/* These need a caller who is crm_owner; number is the run's. */
extern void crm_match_write_records(const CrmMatchRun *run, int64 number);
extern void crm_match_write_ids(const CrmMatchRun *run, int64 number, const struct CrmMatchEntry *sorted);
extern void crm_match_write_keys(CrmMatchRun *run, int64 number);
/* Those from the given one on. */
extern void crm_match_write_pairs(CrmMatchRun *run, int64 number, size_t from);
/* All else, as crm_owner; the model is what this run made of it then. */
extern void crm_match_write_result(CrmMatchRun *run, const struct CrmMatchEntry *sorted);

#endif							/* CRM_MATCH_RUN_H */
