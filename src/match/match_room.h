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

/* A row as texts in the order of plan->column; valid during the call only. */
typedef void (*CrmMatchRow) (void *context, const char *id, size_t id_length, const CrmMatchText *column);

extern bool crm_match_source_personal(Oid source, const CrmMatchPlan *plan);
extern void crm_match_source_require(Oid source, const CrmMatchPlan *plan, Oid model_owner);
extern uint64 crm_match_source_read(Oid source, const CrmMatchPlan *plan, CrmMatchRow row, void *context);
extern char *crm_match_source_name(Oid source);
extern Oid	crm_match_source_find(const char *name);
extern void crm_match_fault_raise(const CrmMatchFault *fault) pg_attribute_noreturn();

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

typedef struct CrmMatchReader CrmMatchReader;

/* The page that holds the key if any does; false when all begin later. */
extern CrmMatchReader *crm_match_reader(int32 model, int64 run, bool sealed);
extern bool crm_match_read(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 key, const char **body, size_t *length);
/* All pages of a kind in order; restarts when kind changes. */
extern bool crm_match_read_next(CrmMatchReader *reader, CrmMatchPageKind kind, const char **body, size_t *length);
extern void crm_match_reader_end(CrmMatchReader *reader);

/* Keeps what is stored from being a list of hashes that anybody can try. */
extern uint64 crm_match_keyed(const uint64 secret[2], uint64 hash);

#endif							/* CRM_MATCH_ROOM_H */
