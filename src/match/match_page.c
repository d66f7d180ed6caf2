/*
 * match_page.c: what a run found, in pages of some kilobytes.
 *
 * crm_data.match_page holds sorted entries, several hundred to a row, found by
 * the page that begins last before what is looked for.  A row or an index entry
 * for each block key would cost ten times as much to write: doc/match.md has
 * the figures.  Pages are written once by a run and never changed; what comes
 * later stands in plain rows beside them until the next run.
 *
 * Where a model reads personal data the prepared records are sealed as
 * crm.private_text is, and hashes of keys and terms are keyed, so that neither a
 * dump nor a page of the disk shows a value or lets anybody try one.
 */
#include "match_room.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "pii/pii.h"

/* Bytes of entries; with row header and envelope a row fits a page of the server. */
#define PAGE_BYTES 7600

struct CrmMatchWriter
{
	int32		model;
	int64		run;
	CrmMatchPageKind kind;
	bool		sealed;
	SPIPlanPtr	insert;
	uint64		first;
	uint64		last;
	StringInfoData body;
	StringInfoData places;		/* of records alone: where each begins in the body */
	MemoryContext context;		/* of one row */
};

struct CrmMatchReader
{
	int32		model;
	int64		run;
	bool		sealed;
	Relation	table;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	CrmMatchPageKind listing;	/* 0: none */
	StringInfoData opened;
};

/* Unsigned order as a bigint keeps it. */
static int64
as_bigint(uint64 key)
{
	return (int64) (key ^ UINT64CONST(0x8000000000000000));
}

/* -- sealing ------------------------------------------------------------------------ */

/* As a bytea holds them; what is sealed is sealed in pieces, each behind its length. */
struct varlena *
crm_match_seal_bytes(bool is_sealed, const char *bytes, size_t size)
{
	StringInfoData sealed;

	initStringInfo(&sealed);
	appendStringInfoSpaces(&sealed, VARHDRSZ);
	if (!is_sealed)
		appendBinaryStringInfo(&sealed, bytes, (int) size);
	for (size_t at = 0; is_sealed && at < size; at += CRM_PII_TEXT_MAX)
	{
		struct varlena *piece = crm_pii_seal(CRM_PII_PRIVATE_TEXT, bytes + at, Min(size - at, CRM_PII_TEXT_MAX));
		uint32		length = VARSIZE_ANY(piece);

		appendBinaryStringInfo(&sealed, (char *) &length, sizeof(length));
		appendBinaryStringInfo(&sealed, (char *) piece, length);
		pfree(piece);
	}
	SET_VARSIZE(sealed.data, sealed.len);
	return (struct varlena *) sealed.data;
}

static void
open_body(const char *sealed, size_t length, StringInfo body)
{
	resetStringInfo(body);
	while (length > sizeof(uint32))
	{
		uint32		piece;
		size_t		opened;
		struct varlena *envelope;

		memcpy(&piece, sealed, sizeof(piece));
		sealed += sizeof(piece);
		length -= sizeof(piece);
		if (piece < VARHDRSZ || piece > length)
			break;
		envelope = palloc(piece);
		memcpy(envelope, sealed, piece);
		enlargeStringInfo(body, CRM_PII_TEXT_MAX + 1);
		crm_pii_open(envelope, CRM_PII_PRIVATE_TEXT, body->data + body->len, CRM_PII_TEXT_MAX + 1, &opened);
		body->len += opened;
		pfree(envelope);
		sealed += piece;
		length -= piece;
	}
}

/* At most room bytes of a value that crm_match_seal_bytes() sealed. */
void
crm_match_open_bytes(const char *sealed, size_t size, char *out, size_t room, size_t *length)
{
	StringInfoData body;

	initStringInfo(&body);
	open_body(sealed, size, &body);
	*length = Min((size_t) body.len, room);
	memcpy(out, body.data, *length);
	explicit_bzero(body.data, body.maxlen);
	pfree(body.data);
}

/* -- writing -------------------------------------------------------------------------- */

/* Needs SPI connected, the owner's rights, and lives as long as the SPI call. */
CrmMatchWriter *
crm_match_writer(int32 model, int64 run, CrmMatchPageKind kind, bool sealed)
{
	static const Oid types[] = {INT4OID, INT8OID, CHAROID, INT8OID, BYTEAOID};
	CrmMatchWriter *writer = palloc0(sizeof(CrmMatchWriter));

	writer->model = model;
	writer->run = run;
	writer->kind = kind;
	writer->sealed = sealed;
	writer->insert = SPI_prepare("INSERT INTO crm_data.match_page (model_id, run, kind, first, body) VALUES ($1, $2, $3, $4, $5)",
								 lengthof(types), (Oid *) types);
	if (writer->insert == NULL)
		elog(ERROR, "crm: match_page: %s", SPI_result_code_string(SPI_result));
	writer->context = AllocSetContextCreate(CurrentMemoryContext, "crm match page", ALLOCSET_DEFAULT_SIZES);
	initStringInfo(&writer->body);
	enlargeStringInfo(&writer->body, 2 * PAGE_BYTES);
	initStringInfo(&writer->places);
	return writer;
}

/* Behind the records of a page stand their places, and how many they are. */
static void
end_places(CrmMatchWriter *writer)
{
	uint16		count = (uint16) (writer->places.len / sizeof(uint16));

	if (writer->kind != CRM_MATCH_PAGE_RECORD)
		return;
	appendBinaryStringInfo(&writer->body, writer->places.data, writer->places.len);
	appendBinaryStringInfo(&writer->body, (char *) &count, sizeof(count));
	resetStringInfo(&writer->places);
}

const char *
crm_match_record_on_page(const char *body, size_t size, uint64 number, size_t *length)
{
	uint16		count = 0;
	uint16		place;
	uint32		bytes;

	if (size > sizeof(count))
		memcpy(&count, body + size - sizeof(count), sizeof(count));
	if (number >= count || size < (count + 1) * sizeof(uint16))
		return NULL;
	size -= (count + 1) * sizeof(uint16);
	memcpy(&place, body + size + number * sizeof(uint16), sizeof(place));
	if (place + sizeof(bytes) > size)
		return NULL;
	memcpy(&bytes, body + place, sizeof(bytes));
	*length = bytes;
	return bytes > size - place - sizeof(bytes) ? NULL : body + place + sizeof(bytes);
}

static void
put_page(CrmMatchWriter *writer)
{
	MemoryContext before = MemoryContextSwitchTo(writer->context);
	Datum		values[5];

	end_places(writer);
	values[0] = Int32GetDatum(writer->model);
	values[1] = Int64GetDatum(writer->run);
	values[2] = CharGetDatum((char) writer->kind);
	values[3] = Int64GetDatum(as_bigint(writer->first));
	values[4] = PointerGetDatum(crm_match_seal_bytes(writer->sealed && writer->kind == CRM_MATCH_PAGE_RECORD, writer->body.data, writer->body.len));
	if (SPI_execute_plan(writer->insert, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "crm: match_page was not written");
	MemoryContextSwitchTo(before);
	MemoryContextReset(writer->context);
	resetStringInfo(&writer->body);
}

void
crm_match_write(CrmMatchWriter *writer, uint64 key, const void *entry, size_t length)
{
	/* Equal keys stay together: a look-up reads one page. */
	if (writer->body.len > 0 && writer->body.len + writer->places.len + length > PAGE_BYTES && key != writer->last)
		put_page(writer);
	if (writer->body.len == 0)
		writer->first = key;
	writer->last = key;
	if (writer->kind == CRM_MATCH_PAGE_RECORD)
	{
		uint16		place = (uint16) writer->body.len;

		appendBinaryStringInfo(&writer->places, (char *) &place, sizeof(place));
	}
	appendBinaryStringInfo(&writer->body, entry, (int) length);
}

void
crm_match_writer_end(CrmMatchWriter *writer)
{
	if (writer->body.len > 0)
		put_page(writer);
	MemoryContextDelete(writer->context);
	SPI_freeplan(writer->insert);
	pfree(writer->body.data);
	pfree(writer->places.data);
	pfree(writer);
}

/* -- reading -------------------------------------------------------------------------- */

static Oid
our_relation(const char *name)
{
	Oid			schema = get_namespace_oid("crm_data", true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the tables of room match are not there"),
				 errhint("CALL crm.deploy(); as a superuser.")));
	return relation;
}

CrmMatchReader *
crm_match_reader(int32 model, int64 run, bool sealed)
{
	CrmMatchReader *reader = palloc0(sizeof(CrmMatchReader));

	reader->model = model;
	reader->run = run;
	reader->sealed = sealed;
	reader->table = table_open(our_relation("match_page"), AccessShareLock);
	reader->index = index_open(our_relation("match_page_pkey"), AccessShareLock);
	reader->slot = table_slot_create(reader->table, NULL);
	reader->scan = CRM_INDEX_BEGINSCAN(reader->table, reader->index, GetActiveSnapshot(), 4);
	initStringInfo(&reader->opened);
	return reader;
}

void
crm_match_reader_end(CrmMatchReader *reader)
{
	index_endscan(reader->scan);
	ExecDropSingleTupleTableSlot(reader->slot);
	index_close(reader->index, AccessShareLock);
	table_close(reader->table, AccessShareLock);
	explicit_bzero(reader->opened.data, reader->opened.maxlen);
	pfree(reader->opened.data);
	pfree(reader);
}

static void
aim(CrmMatchReader *reader, CrmMatchPageKind kind, StrategyNumber strategy, RegProcedure compare, uint64 key)
{
	ScanKeyData keys[4];

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ, Int32GetDatum(reader->model));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(reader->run));
	ScanKeyInit(&keys[2], 3, BTEqualStrategyNumber, F_CHAREQ, CharGetDatum((char) kind));
	ScanKeyInit(&keys[3], 4, strategy, compare, Int64GetDatum(as_bigint(key)));
	index_rescan(reader->scan, keys, 4, NULL, 0);
}

/* The body of the slot's row; points into the buffer where it lies plain. */
static void
take_body(CrmMatchReader *reader, CrmMatchPageKind kind, const char **body, size_t *length)
{
	bool		isnull;
	struct varlena *stored = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(slot_getattr(reader->slot, 5, &isnull)));

	*body = VARDATA_ANY(stored);
	*length = VARSIZE_ANY_EXHDR(stored);
	if (!reader->sealed || kind != CRM_MATCH_PAGE_RECORD)
		return;
	open_body(*body, *length, &reader->opened);
	*body = reader->opened.data;
	*length = reader->opened.len;
}

bool
crm_match_read(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 key, uint64 *first, const char **body, size_t *length)
{
	bool		isnull;

	reader->listing = 0;
	aim(reader, kind, BTLessEqualStrategyNumber, F_INT8LE, key);
	if (!index_getnext_slot(reader->scan, BackwardScanDirection, reader->slot))
		return false;
	*first = (uint64) DatumGetInt64(slot_getattr(reader->slot, 4, &isnull)) ^ UINT64CONST(0x8000000000000000);
	take_body(reader, kind, body, length);
	return true;
}

bool
crm_match_read_next(CrmMatchReader *reader, CrmMatchPageKind kind, const char **body, size_t *length)
{
	if (reader->listing != kind)
		aim(reader, kind, BTGreaterEqualStrategyNumber, F_INT8GE, 0);
	reader->listing = kind;
	if (!index_getnext_slot(reader->scan, ForwardScanDirection, reader->slot))
	{
		reader->listing = 0;
		return false;
	}
	take_body(reader, kind, body, length);
	return true;
}

/* -- a directory of pages ----------------------------------------------------------------- */

struct CrmMatchDirectory
{
	CrmMatchPageKind kind;
	Oid			file;			/* of the table, where these places are */
	size_t		pages;
	size_t		room;
	uint64	   *first;
	ItemPointerData *place;
};

static void
list_page(CrmMatchDirectory *directory, uint64 first, ItemPointer place)
{
	if (directory->pages == directory->room)
	{
		directory->room *= 2;
		directory->first = repalloc_huge(directory->first, directory->room * sizeof(uint64));
		directory->place = repalloc_huge(directory->place, directory->room * sizeof(ItemPointerData));
	}
	directory->first[directory->pages] = first;
	directory->place[directory->pages++] = *place;
}

/* From the index alone: what an aborted run has left in it may be listed too. */
CrmMatchDirectory *
crm_match_directory(CrmMatchReader *reader, CrmMatchPageKind kind, MemoryContext context)
{
	CrmMatchDirectory *directory = MemoryContextAllocZero(context, sizeof(CrmMatchDirectory));
	ItemPointer place;

	directory->kind = kind;
	directory->file = reader->table->rd_rel->relfilenode;
	directory->room = 256;
	directory->first = MemoryContextAlloc(context, directory->room * sizeof(uint64));
	directory->place = MemoryContextAlloc(context, directory->room * sizeof(ItemPointerData));
	reader->scan->xs_want_itup = true;
	aim(reader, kind, BTGreaterEqualStrategyNumber, F_INT8GE, 0);
	while ((place = index_getnext_tid(reader->scan, ForwardScanDirection)) != NULL)
	{
		bool		isnull;
		Datum		first = index_getattr(reader->scan->xs_itup, 4, reader->scan->xs_itupdesc, &isnull);

		list_page(directory, (uint64) DatumGetInt64(first) ^ UINT64CONST(0x8000000000000000), place);
	}
	reader->scan->xs_want_itup = false;
	return directory;
}

/* Places may have been given to other rows: only the row itself tells. */
static bool
is_page(CrmMatchReader *reader, CrmMatchPageKind kind, uint64 first)
{
	bool		isnull;

	return DatumGetInt32(slot_getattr(reader->slot, 1, &isnull)) == reader->model &&
		DatumGetInt64(slot_getattr(reader->slot, 2, &isnull)) == reader->run &&
		DatumGetChar(slot_getattr(reader->slot, 3, &isnull)) == (char) kind &&
		DatumGetInt64(slot_getattr(reader->slot, 4, &isnull)) == as_bigint(first);
}

bool
crm_match_read_listed(CrmMatchReader *reader, const CrmMatchDirectory *directory, uint64 key, uint64 *first, const char **body, size_t *length)
{
	size_t		from = 0;
	size_t		to = directory->pages;

	while (from < to)
	{
		size_t		middle = from + (to - from) / 2;

		if (directory->first[middle] <= key)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == 0 || directory->file != reader->table->rd_rel->relfilenode ||
		!table_tuple_fetch_row_version(reader->table, &directory->place[from - 1], GetActiveSnapshot(), reader->slot) ||
		!is_page(reader, directory->kind, directory->first[from - 1]))
		return crm_match_read(reader, directory->kind, key, first, body, length);
	*first = directory->first[from - 1];
	take_body(reader, directory->kind, body, length);
	return true;
}

/* -- keyed hashes ------------------------------------------------------------------------ */

#define ROTATE(x, bits) ((x) << (bits) | (x) >> (64 - (bits)))
#define ROUND(v) \
	do { \
		v[0] += v[1]; v[1] = ROTATE(v[1], 13) ^ v[0]; v[0] = ROTATE(v[0], 32); \
		v[2] += v[3]; v[3] = ROTATE(v[3], 16) ^ v[2]; \
		v[0] += v[3]; v[3] = ROTATE(v[3], 21) ^ v[0]; \
		v[2] += v[1]; v[1] = ROTATE(v[1], 17) ^ v[2]; v[2] = ROTATE(v[2], 32); \
	} while (0)

/* SipHash-2-4 of eight bytes (Aumasson and Bernstein, 2012). */
uint64
crm_match_keyed(const uint64 secret[2], uint64 hash)
{
	uint64		v[4] = {
		secret[0] ^ UINT64CONST(0x736f6d6570736575), secret[1] ^ UINT64CONST(0x646f72616e646f6d),
		secret[0] ^ UINT64CONST(0x6c7967656e657261), secret[1] ^ UINT64CONST(0x7465646279746573)
	};
	const uint64 block[2] = {hash, UINT64CONST(8) << 56};

	for (int i = 0; i < 2; i++)
	{
		v[3] ^= block[i];
		ROUND(v);
		ROUND(v);
		v[0] ^= block[i];
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		ROUND(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
