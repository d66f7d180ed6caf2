/*
 * match_find.h: one call's work on one record: match_find.c finds, match_join.c adds
 * and takes out, match_answer.c is what SQL calls.
 */
#ifndef CRM_MATCH_FIND_H
#define CRM_MATCH_FIND_H

#include "match_room.h"

#include "executor/spi.h"

typedef struct CrmMatchCandidate
{
	int64		record;
	text	   *id;				/* NULL until identities are asked for */
	int64		cluster;
	CrmMatchScore score;
} CrmMatchCandidate;

typedef struct CrmMatchKnownTerm
{
	uint64		key;
	uint64		count;
} CrmMatchKnownTerm;

typedef struct CrmMatchFind
{
	CrmMatchStored *model;
	CrmMatchOwner owner;
	bool		pushed;			/* a snapshot of our own */
	CrmMatchReader *keys;		/* a reader for each use, so that their pages stay */
	CrmMatchReader *records;
	CrmMatchReader *terms;

	const unsigned char *prepared;	/* the record that is asked about */
	size_t		prepared_length;
	int64		self;			/* its own number, not to be found; -1: none */
	int64		key[CRM_MATCH_RECORD_KEY_MAX];
	int			key_count;

	SPITupleTable *added;		/* (key, record) of records added since the run */
	uint64		added_keys;
	int64	   *gone;
	int			gone_count;

	const char *page_body;		/* of the page of records at hand */
	size_t		page_size;
	int64		page_first;
	CrmMatchKnownTerm known[64];

	int64	   *found;			/* records that share a key */
	size_t		found_count;
	size_t		found_room;

	CrmMatchCandidate *candidate;	/* those of them that are kept */
	size_t		count;
	size_t		room;
} CrmMatchFind;

extern void crm_match_find_open(CrmMatchFind *find, const char *name, bool trusted);
extern void crm_match_find_close(CrmMatchFind *find);
extern void crm_match_find_candidates(CrmMatchFind *find);
extern void crm_match_find_identities(CrmMatchFind *find, size_t from, size_t to);
extern int64 crm_match_find_record(CrmMatchFind *find, const char *id);
extern unsigned char *crm_match_find_prepared(CrmMatchFind *find, int64 record, size_t *length);
extern void crm_match_find_score(CrmMatchFind *find, const unsigned char *a, const unsigned char *b, CrmMatchScore *score);
/* Id and cluster of a record, wherever it stands. */
extern text *crm_match_find_identity(CrmMatchFind *find, int64 record, int64 *cluster);
/* Records of the run under a block key, or of one of its clusters; valid until the reader reads on. */
extern bool crm_match_find_block(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 key, const char **records, uint32 *count);
/* The cluster that a cluster has become. */
extern int64 crm_match_cluster_now(CrmMatchFind *find, int64 cluster);

/* -- match_kept.c ----------------------------------------------------------------------- */

/* trusted: the caller answers for the rights. */
extern CrmMatchStored *crm_match_kept_model(const char *name, bool trusted);

/* -- match_join.c ----------------------------------------------------------------------- */

extern int64 crm_match_find_add(CrmMatchFind *find, const char *id);
extern void crm_match_find_remove(CrmMatchFind *find, int64 record);

#endif							/* CRM_MATCH_FIND_H */
