/*
 * match_room.h: what the files of room match share on the server's side.
 *
 * The engine (match_engine_core.h) knows no table.  Here a table becomes texts
 * (match_source.c), settings become the engine's (match_settings.c), what a run
 * found is kept in pages (match_page.c), and one record is held against these
 * pages without the engine (match_find.c).
 */
#ifndef CRM_MATCH_ROOM_H
#define CRM_MATCH_ROOM_H

#include "crm.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "match_engine_core.h"

/* Of one value only so much is looked at; no kind reads more. */
#define CRM_MATCH_TEXT_MAX	4096
#define CRM_MATCH_ID_COLUMNS 4

/* -- settings: match_settings.c ---------------------------------------------- */

/* A model's settings: the engine's, and the names that it does not know. */
typedef struct CrmMatchPlan
{
	CrmMatchSettings settings;
	char	   *column[CRM_MATCH_COLUMN_MAX];
	char	   *comparison[CRM_MATCH_COMPARISON_MAX];
	int			id_count;		/* 0: rows are numbered as they come */
	char	   *id[CRM_MATCH_ID_COLUMNS];
	char	   *second_source;	/* as written, NULL: none */
	CrmMatchMethod method;
	double		threshold;		/* NAN: the model's own */
} CrmMatchPlan;

/* Each fault is a C string "path: what is wrong"; NIL: the plan is sound. */
extern CrmMatchPlan *crm_match_plan_read(Jsonb *settings, List **faults);
/* As above; raises 22023 with all faults at once. */
extern CrmMatchPlan *crm_match_plan_require(Jsonb *settings);
extern Jsonb *crm_match_plan_write(const CrmMatchPlan *plan, const char *const *why);
extern const char *crm_match_rule_text(const CrmMatchPlan *plan, int rule);
extern bool crm_match_method_find(const char *name, CrmMatchMethod *method);

/* -- tables: match_source.c --------------------------------------------------- */

/* A row as texts in the order of plan->column; valid during the call only.  False: enough. */
typedef bool (*CrmMatchRow) (void *context, const char *id, size_t id_length, const CrmMatchText *column);

extern bool crm_match_source_personal(Oid source, const CrmMatchPlan *plan);
extern void crm_match_source_require(Oid source, const CrmMatchPlan *plan, Oid model_owner);
/* tail follows the source's name in the query: a sample; "" for all. */
extern uint64 crm_match_source_read(Oid source, const CrmMatchPlan *plan, const char *tail, CrmMatchRow row, void *context);
extern char *crm_match_source_name(Oid source);
extern Oid	crm_match_source_find(const char *name);
pg_noreturn extern void crm_match_fault_raise(const CrmMatchFault *fault);

/* -- the owner's tables -------------------------------------------------------- */

/* Between begin and end statements run as crm_owner, under a fixed search_path. */
typedef struct CrmMatchOwner
{
	Oid			user;
	int			security;
	int			guc_level;
} CrmMatchOwner;

extern void crm_match_owner_begin(CrmMatchOwner *owner);
extern void crm_match_owner_end(const CrmMatchOwner *owner);

/* -- models: match_model.c -------------------------------------------------------- */

typedef struct CrmMatchStored
{
	int32		model_id;
	char	   *name;
	char	   *source;
	Oid			owner;
	int32		version;		/* grows with every change of settings or parameters */
	bool		is_tuned;
	bool		sealed;
	bool		has_secret;
	int64		secret_check;
	bool		has_fingerprint;
	int64		fingerprint;
	int64		run;			/* 0: never */
	int64		records;
	int64		next_cluster;
	Oid			source_oid;
	Oid			second_oid;		/* InvalidOid: none */
	CrmMatchPlan *plan;
	CrmMatchModel fit;			/* fit.trained: whether it is */
	uint64		secret[2];
	struct CrmMatchScale *scale;	/* made by match_kept.c, which keeps models */
	struct CrmMatchDirectory *directory;	/* of records; the same */
	MemoryContext context;		/* that they are kept in */
} CrmMatchStored;

/* Needs SPI connected.  The caller may read the sources and what they gave. */
extern CrmMatchStored *crm_match_model_load(const char *name, bool for_update);
extern CrmMatchStored *crm_match_model_load_for(const char *name, bool for_update, bool trusted);
extern void crm_match_model_require_owner(const CrmMatchStored *model);
extern void crm_match_model_require_run(const CrmMatchStored *model);
extern void crm_match_model_secret(CrmMatchStored *model);
extern void crm_match_model_store_fit(CrmMatchStored *model, const CrmMatchModel *fit, bool is_tuned, const int64 *fingerprint);
extern void crm_match_exec(const char *query, int arguments, const Oid *types, const Datum *values, const char *nulls);

extern int	crm_match_workers;	/* setting: threads of a run */
extern int	crm_match_memory;	/* setting: MB that a run's engine may take */

/* -- pages: match_page.c -------------------------------------------------------- */

/* What pages hold: never renumber. */
typedef enum CrmMatchPageKind
{
	CRM_MATCH_PAGE_RECORD = 'r',	/* prepared bytes, by record */
	CRM_MATCH_PAGE_IDENTITY = 'i',	/* cluster and id, by record */
	CRM_MATCH_PAGE_ID = 'd',	/* hash of an id -> record */
	CRM_MATCH_PAGE_KEY = 'k',	/* block key -> records */
	CRM_MATCH_PAGE_TERM = 't',	/* term -> how often */
	CRM_MATCH_PAGE_PAIR = 'p',	/* pairs of a run */
	CRM_MATCH_PAGE_CLUSTER = 'c'	/* cluster -> records, two and more */
} CrmMatchPageKind;

typedef struct CrmMatchWriter CrmMatchWriter;

extern CrmMatchWriter *crm_match_writer(int32 model, int64 run, CrmMatchPageKind kind, bool sealed);
/* Entries come in ascending order of key; one entry never spans pages. */
extern void crm_match_write(CrmMatchWriter *writer, uint64 key, const void *entry, size_t length);
extern void crm_match_writer_end(CrmMatchWriter *writer);

extern struct varlena *crm_match_seal_bytes(bool is_sealed, const char *bytes, size_t size);
extern void crm_match_open_bytes(const char *sealed, size_t size, char *out, size_t room, size_t *length);

typedef struct CrmMatchReader CrmMatchReader;

extern CrmMatchReader *crm_match_reader(int32 model, int64 run, bool sealed);
/* The page that holds the key if any does, and its first key; false when all begin later. */
extern bool crm_match_read(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 key, uint64 *first, const char **body, size_t *length);
/* All pages of a kind in order; restarts when kind changes. */
extern bool crm_match_read_next(CrmMatchReader *reader, CrmMatchPageKind kind, const char **body, size_t *length);
extern void crm_match_reader_end(CrmMatchReader *reader);

/* The record of that number, the page's first being 0; NULL when it stands on another page. */
extern const char *crm_match_record_on_page(const char *body, size_t size, uint64 number, size_t *length);

/* Where all pages of a kind stand: for who reads hundreds of them at a time. */
typedef struct CrmMatchDirectory CrmMatchDirectory;
extern CrmMatchDirectory *crm_match_directory(CrmMatchReader *reader, CrmMatchPageKind kind, MemoryContext context);
/* As crm_match_read(). */
extern bool crm_match_read_listed(CrmMatchReader *reader, const CrmMatchDirectory *directory, uint64 key, uint64 *first, const char **body, size_t *length);

/* Of a block of more records, beyond every cap, only the size is kept. */
#define CRM_MATCH_BLOCK_KEPT 4096

/* A pair as its page has it. */
typedef struct CrmMatchPairEntry
{
	uint64		vector;
	uint32		left;
	uint32		right;
	double		weight;
} CrmMatchPairEntry;

extern uint64 crm_match_id_hash(const char *id, size_t length);
extern uint64 crm_match_stored_key(const CrmMatchStored *model, int rule, uint64 hash);
/* Stands for all terms of a level: how many records have one. */
#define CRM_MATCH_ALL_TERMS 0
extern uint64 crm_match_stored_term(const CrmMatchStored *model, int comparison, int level, uint64 hash);

/* -- all records of a model with their clusters: match_list.c ------------------------ */

typedef struct CrmMatchListed
{
	const char *id;				/* valid until the next one */
	size_t		id_length;
	int64		record;
	int64		cluster;
} CrmMatchListed;

typedef struct CrmMatchList CrmMatchList;

extern CrmMatchList *crm_match_list(const CrmMatchStored *model);
extern bool crm_match_list_next(CrmMatchList *list, CrmMatchListed *listed);
extern void crm_match_list_end(CrmMatchList *list);
extern Datum crm_match_vector_array(uint64 vector, int comparisons);

/* Keeps what is stored from being a list of hashes that anybody can try. */
extern uint64 crm_match_keyed(const uint64 secret[2], uint64 hash);

#endif							/* CRM_MATCH_ROOM_H */
