/*
 * Proves: no bytes crash the matching engine.  The first byte says what the rest is:
 * two texts for every kind, whose levels stay within the kind's and are the same both
 * ways; a packed model; or a small table that is suggested for, trained on, predicted
 * and clustered.
 */
#include "match/match_engine_core.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
fuzz_kinds(const char *data, size_t size)
{
	size_t		half = size / 2;

	for (int i = 0; crm_match_kind_at(i) != NULL; i++)
	{
		const CrmMatchKind *kind = crm_match_kind_at(i);
		unsigned char a[CRM_MATCH_VALUE_MAX];
		unsigned char b[CRM_MATCH_VALUE_MAX];
		CrmMatchKey key[CRM_MATCH_KEY_MAX];
		size_t		n = kind->prepare(NULL, data, half, a, sizeof(a));
		size_t		m = kind->prepare(NULL, data + half, size - half, b, sizeof(b));
		int			level;

		if (n > sizeof(a) || m > sizeof(b))
			abort();
		if (n == 0 || m == 0)
			continue;
		level = kind->compare(NULL, a, n, b, m);
		if (level < 0 || level >= crm_match_kind_levels(kind) || level != kind->compare(NULL, b, m, a, n))
			abort();
		if (kind->keys(a, n, key, CRM_MATCH_KEY_MAX) > CRM_MATCH_KEY_MAX)
			abort();
		for (int j = 0; kind->term != NULL && j < crm_match_kind_levels(kind); j++)
			kind->term(a, n, j);
	}
}

static void
fuzz_model(const unsigned char *data, size_t size)
{
	static unsigned char bytes[200000];
	static CrmMatchModel model;
	size_t		length = crm_match_model_size();

	for (size_t i = 0; i < length; i++)
		bytes[i] = size > 0 ? data[i % size] : 0;
	if (crm_match_model_unpack(bytes, length, &model) == CRM_MATCH_OK && crm_match_model_pack(&model, bytes, length) != length)
		abort();
}

#define TABLE_COLUMNS 3
#define TABLE_ROWS 24

/* Fields are parted by bytes that are a multiple of 16. */
static void
fuzz_table(const char *data, size_t size)
{
	static const CrmMatchColumn column[TABLE_COLUMNS] = {{"a", NULL}, {"", "text"}, {NULL, "date"}};
	static CrmMatchText value[TABLE_ROWS * TABLE_COLUMNS];
	static CrmMatchSettings settings;
	CrmMatchFault fault;
	CrmMatchEngine *engine;
	size_t		at = 0;

	for (int i = 0; i < TABLE_ROWS * TABLE_COLUMNS; i++)
	{
		size_t		from = at;

		while (at < size && data[at] % 16 != 0)
			at++;
		value[i] = (CrmMatchText) {at > from ? data + from : NULL, at - from};
		at += at < size;
	}
	if (crm_match_suggest(column, TABLE_COLUMNS, value, TABLE_ROWS, TABLE_ROWS, &settings, NULL, &fault) != CRM_MATCH_OK)
		return;
	settings.em_rounds = 3;
	engine = crm_match_create(&settings, NULL, &fault);
	for (int i = 0; engine != NULL && i < TABLE_ROWS; i++)
		crm_match_add_record(engine, 0, value + i * TABLE_COLUMNS, &fault);
	if (engine == NULL || crm_match_train(engine, &fault) != CRM_MATCH_OK || crm_match_predict(engine, &fault) != CRM_MATCH_OK ||
		crm_match_cluster(engine, CRM_MATCH_AVERAGE_LINKAGE, NAN, &fault) != CRM_MATCH_OK)
		abort();
	crm_match_destroy(engine);
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	switch (data[0] % 3)
	{
		case 0:
			fuzz_kinds((const char *) data + 1, size - 1);
			break;
		case 1:
			fuzz_model(data + 1, size - 1);
			break;
		default:
			fuzz_table((const char *) data + 1, size - 1);
	}
	return 0;
}
