/*
 * Proves: the generic kinds tell their levels apart; settings that contradict
 * themselves are refused; from two hundred persons, each written twice with a slip,
 * the engine finds the two hundred pairs with nothing set by hand, and finds the
 * same whatever the number of threads; weights are the sum of their steps; a model
 * survives as bytes and damaged bytes are refused; conflicts never share a cluster;
 * nothing to compare, nothing filled, one giant block, bytes that are no text, a
 * spent budget and a cancel end with a code or with bounded work.
 */
#include "match/match_cn_core.h"
#include "match/match_inside_core.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int
level(const CrmMatchKind *kind, const char *a, const char *b)
{
	unsigned char x[CRM_MATCH_VALUE_MAX];
	unsigned char y[CRM_MATCH_VALUE_MAX];
	size_t		n = kind->prepare(NULL, a, strlen(a), x, sizeof(x));
	size_t		m = kind->prepare(NULL, b, strlen(b), y, sizeof(y));

	if (n == 0 || m == 0)
		return 0;
	return kind->compare(NULL, x, n, y, m);
}

static bool
is_level(const CrmMatchKind *kind, const char *a, const char *b, const char *name)
{
	int			found = level(kind, a, b);

	if (strcmp(kind->level[found], name) != 0 || level(kind, b, a) != found)
		fprintf(stderr, "# %s: %s, %s: %s, not %s\n", kind->name, a, b, kind->level[found], name);
	return strcmp(kind->level[found], name) == 0 && level(kind, b, a) == found;
}

static void
test_kinds(void)
{
	CHECK(is_level(&crm_match_kind_exact, "Ünal", "unal", "exact"));
	CHECK(is_level(&crm_match_kind_exact, "a", "b", "else"));
	CHECK(is_level(&crm_match_kind_exact, "", "b", "missing"));
	CHECK(is_level(&crm_match_kind_damerau, "6636386", "6636836", "threshold_1"));
	CHECK(is_level(&crm_match_kind_levenshtein, "6636386", "6636836", "threshold_2"));
	CHECK(is_level(&crm_match_kind_jaro_winkler, "martha", "marhta", "threshold_1"));
	CHECK(is_level(&crm_match_kind_jaccard, "red green blue", "blue green red", "threshold_1"));
	CHECK(is_level(&crm_match_kind_name, "Thomas Clifford", "thomas clifford", "exact"));
	CHECK(is_level(&crm_match_kind_name, "Clifford, Thomas", "Thomas Clifford", "exact"));
	CHECK(is_level(&crm_match_kind_name, "Clifford Thomas", "Thomas Clifford", "swapped"));
	CHECK(is_level(&crm_match_kind_name, "Tom Clifford", "Thomas Clifford", "given_fuzzy"));
	CHECK(is_level(&crm_match_kind_name, "Thomas Clifford, 1st Baron", "Thomas Cliford", "surname_fuzzy"));
	CHECK(is_level(&crm_match_kind_name, "T Clifford", "Thomas Clifford", "surname_only"));
	CHECK(is_level(&crm_match_kind_name, "Thomas\x1f", "Thomas\x1f" "Clifford", "given_only"));
	CHECK(is_level(&crm_match_kind_name, "Mary Clifford", "Thomas Clifford", "surname_same"));
	CHECK(is_level(&crm_match_kind_name, "Mary Holt", "Thomas Clifford", "else"));
	CHECK(is_level(&crm_match_kind_title, "The Harbour Centre Ltd", "harbour centre", "exact"));
	CHECK(is_level(&crm_match_kind_title, "Marin Lowell", "Casa Central Munoz Marin-Lowell", "contained"));
	CHECK(is_level(&crm_match_kind_date, "1980-02-03", "3 Feb 1980", "exact"));
	CHECK(is_level(&crm_match_kind_date, "1980年2月3日", "19800203", "exact"));
	CHECK(is_level(&crm_match_kind_date, "1980-02-03", "1980-03-02", "slip"));
	CHECK(is_level(&crm_match_kind_date, "1980-02-03", "1980-01-01", "year_only"));
	CHECK(is_level(&crm_match_kind_date, "1980-02-03", "1985-02-03", "slip"));
	CHECK(is_level(&crm_match_kind_date, "1980-02-03", "1917-11-25", "else"));
	CHECK(is_level(&crm_match_kind_email, "A.B@example.org", "ab@example.org", "exact"));
	CHECK(is_level(&crm_match_kind_email, "harriet@example.org", "hariet@example.org", "slip"));
	CHECK(is_level(&crm_match_kind_phone, "+44 20 7946 0018", "020-7946 0018", "exact"));
	CHECK(is_level(&crm_match_kind_phone, "312-555-0143", "555 0143", "tail"));
	CHECK(is_level(&crm_match_kind_postcode, "TQ13 8DF", "tq138df", "exact"));
	CHECK(is_level(&crm_match_kind_postcode, "TQ13 8DF", "TQ13 9ZZ", "district"));
	CHECK(is_level(&crm_match_kind_address, "12 North Street", "12 N. St", "exact"));
	CHECK(is_level(&crm_match_kind_address, "12 Harbour Street", "12 Harbor St", "number_and_street"));
	CHECK(is_level(&crm_match_kind_address, "12 Harbour Street", "14 Harbour Street", "number_slip"));
	CHECK(is_level(&crm_match_kind_numeric, "100", "100.5", "threshold_2"));
}

static void
test_distances(void)
{
	CHECK(crm_match_osa("ca", 2, "abc", 3, 9) == 3);
	CHECK(crm_match_osa("ab", 2, "ba", 2, 9) == 1);
	CHECK(crm_match_levenshtein("kitten", 6, "sitting", 7, 9) == 3);
	CHECK(crm_match_levenshtein("kitten", 6, "sitting", 7, 1) == 2);
	CHECK(fabs(crm_match_jaro_winkler("dixon", 5, "dicksonx", 8) - 0.8133) < 0.001);
	CHECK(crm_match_letter_bag("listen", 6) == crm_match_letter_bag("silent", 6));
	CHECK(crm_match_sound("catherine", 9) == crm_match_sound("katherine", 9));
}

/* -- a table of persons -------------------------------------------------------- */

#define PERSONS 200
#define COLUMNS 5

static char cell[2 * PERSONS][COLUMNS][48];
static CrmMatchText value[2 * PERSONS * COLUMNS];
static const CrmMatchColumn column[COLUMNS] = {{"id", "int"}, {"name", "text"}, {"born", "text"}, {"mail", "text"}, {"town", "text"}};

static void
make_table(void)
{
	static const char *const given[] = {"Thomas", "William", "Mary", "Alice", "Henry", "Sarah", "Peter", "Edith", "Hugh", "Clara"};
	static const char *const town[] = {"Aldbury", "Bridport", "Camford", "Duncham", "Everton"};
	uint64_t	seed = 5;

	for (int i = 0; i < PERSONS; i++)
	{
		char		surname[9] = "";
		int			day = (int) (crm_match_random(&seed) % 28) + 1;
		int			year = 1900 + (int) (crm_match_random(&seed) % 90);

		for (int j = 0; j < 8; j++)
			surname[j] = (char) ("aeiou"[crm_match_random(&seed) % 5] + (j % 2 == 0 ? 1 : 0));
		surname[0] = (char) ('B' + crm_match_random(&seed) % 20);
		for (int side = 0; side < 2; side++)
		{
			int			row = side * PERSONS + i;

			snprintf(cell[row][0], 48, "%d", row + 1);
			snprintf(cell[row][1], 48, "%s %s", given[i % 10], surname);
			snprintf(cell[row][2], 48, "%04d-%02d-%02d", year, i % 12 + 1, side && i % 7 == 0 ? day % 28 + 1 : day);
			snprintf(cell[row][3], 48, "%s%d@example.org", surname, i * 37 % 1000);
			snprintf(cell[row][4], 48, "%s", town[i % 5]);
			if (side && i % 5 == 0)
				cell[row][1][3] = 'z';
			if (side && i % 3 == 0)
				cell[row][3][0] = '\0';
		}
	}
	for (int i = 0; i < 2 * PERSONS * COLUMNS; i++)
	{
		const char *text = cell[i / COLUMNS][i % COLUMNS];

		value[i] = (CrmMatchText) {text[0] == '\0' ? NULL : text, strlen(text)};
	}
}

static CrmMatchEngine *
filled(const CrmMatchSettings *settings, const CrmMatchHost *host)
{
	CrmMatchFault fault;
	CrmMatchEngine *engine = crm_match_create(settings, host, &fault);

	for (int row = 0; engine != NULL && row < 2 * PERSONS; row++)
		crm_match_add_record(engine, (uint32_t) (row / PERSONS), value + row * COLUMNS, &fault);
	return engine;
}

static CrmMatchCode
run(CrmMatchEngine *engine)
{
	CrmMatchFault fault = {0};
	CrmMatchCode code = crm_match_train(engine, &fault);

	if (code == CRM_MATCH_OK)
		code = crm_match_predict(engine, &fault);
	if (code == CRM_MATCH_OK)
		code = crm_match_cluster(engine, CRM_MATCH_AVERAGE_LINKAGE, NAN, &fault);
	return code;
}

static bool
cancel(void *context)
{
	return --*(int *) context < 0;
}

static int
right_pairs(const CrmMatchEngine *engine)
{
	const uint32_t *cluster = crm_match_clusters(engine);
	int			right = 0;

	for (int i = 0; i < PERSONS; i++)
		right += cluster[i] == cluster[PERSONS + i] && cluster[i] == (uint32_t) i;
	return right;
}

static uint64_t
count_two(void *context, int comparison, int level, uint64_t term)
{
	(void) context;
	(void) comparison;
	(void) level;
	(void) term;
	return 2;
}

static bool
same_pairs(const CrmMatchPair *p, const CrmMatchPair *q, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (p[i].left != q[i].left || p[i].right != q[i].right || p[i].vector != q[i].vector || p[i].weight != q[i].weight ||
			p[i].rule != q[i].rule || p[i].conflict != q[i].conflict)
			return false;
	return true;
}

static bool
same_models(const CrmMatchModel *a, const CrmMatchModel *b)
{
	size_t		size = crm_match_model_size();
	unsigned char *x = malloc(size);
	unsigned char *y = malloc(size);
	bool		same = crm_match_model_pack(a, x, size) == size && crm_match_model_pack(b, y, size) == size && memcmp(x, y, size) == 0;

	free(x);
	free(y);
	return same;
}

static void
test_batch(CrmMatchSettings *settings)
{
	CrmMatchHost one = {.threads = 1};
	CrmMatchHost four = {.threads = 4};
	CrmMatchEngine *a = filled(settings, &one);
	CrmMatchEngine *b = filled(settings, &four);
	size_t		n;
	size_t		m;
	const CrmMatchPair *p;
	const CrmMatchPair *q;
	const CrmMatchVector *vector;
	CrmMatchScore score;
	CrmMatchFault fault;
	size_t		length;
	double		sum;

	CHECK(run(a) == CRM_MATCH_OK && run(b) == CRM_MATCH_OK);
	CHECK(right_pairs(a) == PERSONS);
	p = crm_match_pairs(a, &n);
	q = crm_match_pairs(b, &m);
	CHECK_AS(n == m && same_pairs(p, q, n) && same_models(crm_match_model(a), crm_match_model(b)),
			 "one thread and four find the same, to the last bit");
	CHECK(memcmp(crm_match_clusters(a), crm_match_clusters(b), 2 * PERSONS * sizeof(uint32_t)) == 0);
	vector = crm_match_vectors(a, &n);
	CHECK(n > 10 && vector[0].count >= vector[n - 1].count);
	crm_match_score(settings, crm_match_model(a), crm_match_record(a, 1, &length), crm_match_record(a, PERSONS + 1, &length),
					count_two, NULL, &score);
	sum = score.prior + score.interplay;
	for (int i = 0; i < settings->comparison_count; i++)
		sum += score.step[i].weight + score.step[i].term;
	CHECK(score.weight > 5 && score.probability > 0.95 && fabs(sum - score.weight) < 1e-6);
	crm_match_score(settings, crm_match_model(a), crm_match_record(a, 1, &length), crm_match_record(a, 2, &length), NULL, NULL, &score);
	CHECK(score.weight < -5 && score.probability < 0.05);
	CHECK(crm_match_cluster(a, CRM_MATCH_CONNECTED_COMPONENTS, NAN, &fault) == CRM_MATCH_OK && right_pairs(a) == PERSONS);
	CHECK(crm_match_cluster(a, CRM_MATCH_BEST_LINK, NAN, &fault) == CRM_MATCH_OK && right_pairs(a) == PERSONS);
	CHECK(crm_match_cluster(a, CRM_MATCH_AVERAGE_LINKAGE, 1000, &fault) == CRM_MATCH_OK && right_pairs(a) == 0);
	crm_match_destroy(a);
	crm_match_destroy(b);
}

static void
test_steps(CrmMatchSettings *settings)
{
	CrmMatchEngine *engine = filled(settings, NULL);
	CrmMatchLabel label[] = {{0, PERSONS, true}, {1, PERSONS + 1, true}, {1, 2, false}};
	CrmMatchLabel many[20];
	CrmMatchLabel wrong = {0, 100000, true};
	CrmMatchFault fault;
	unsigned char *bytes = malloc(crm_match_model_size());
	CrmMatchModel *model = malloc(sizeof(CrmMatchModel));
	CrmMatchTerm term;
	size_t		at = 0;

	CHECK(crm_match_predict(engine, &fault) == CRM_MATCH_ORDER);
	CHECK(crm_match_train_m(engine, 0, &fault) == CRM_MATCH_ORDER);
	CHECK(crm_match_train_u(engine, &fault) == CRM_MATCH_OK);
	CHECK(crm_match_train_m(engine, 0, &fault) == CRM_MATCH_OK);
	CHECK(crm_match_train_m(engine, CRM_MATCH_RULE_MAX, &fault) == CRM_MATCH_SETTINGS);
	CHECK(crm_match_train_labels(engine, label, 3, &fault) == CRM_MATCH_OK);
	CHECK(crm_match_train_labels(engine, &wrong, 1, &fault) == CRM_MATCH_SETTINGS);
	CHECK_AS(crm_match_model(engine)->threshold == 0, "a few judgements move no threshold");
	for (uint32_t i = 0; i < 20; i++)
		many[i] = (CrmMatchLabel) {i, i + PERSONS, i >= 12};
	CHECK(crm_match_train_labels(engine, many, 20, &fault) == CRM_MATCH_OK);
	CHECK_AS(crm_match_model(engine)->threshold > 0, "pairs judged different raise the threshold");
	CHECK(crm_match_train_labels(engine, label, 3, &fault) == CRM_MATCH_OK);
	CHECK(run(engine) == CRM_MATCH_OK);
	CHECK(crm_match_next_term(engine, &at, &term) && at == 1 && term.count > 1);
	CHECK(crm_match_model_pack(crm_match_model(engine), bytes, crm_match_model_size() - 1) == 0);
	CHECK(crm_match_model_pack(crm_match_model(engine), bytes, crm_match_model_size()) == crm_match_model_size());
	CHECK(crm_match_model_unpack(bytes, crm_match_model_size(), model) == CRM_MATCH_OK &&
		  memcmp(model->chance, crm_match_model(engine)->chance, sizeof(model->chance)) == 0 && model->records == 2 * PERSONS);
	CHECK(crm_match_set_model(engine, model, &fault) == CRM_MATCH_OK);
	bytes[8 * 3] = 99;
	CHECK(crm_match_model_unpack(bytes, crm_match_model_size(), model) == CRM_MATCH_FORM && !model->trained);
	CHECK(crm_match_model_unpack(bytes, 5, model) == CRM_MATCH_FORM);
	CHECK(crm_match_set_model(engine, model, &fault) == CRM_MATCH_FORM);
	free(bytes);
	free(model);
	crm_match_destroy(engine);
}

static void
test_links(CrmMatchSettings *settings)
{
	CrmMatchEngine *engine;
	size_t		n;
	const CrmMatchPair *pair;
	bool		apart = true;

	settings->link = CRM_MATCH_LINK_ONLY;
	engine = filled(settings, NULL);
	CHECK(run(engine) == CRM_MATCH_OK && right_pairs(engine) == PERSONS);
	pair = crm_match_pairs(engine, &n);
	for (size_t i = 0; i < n; i++)
		apart &= pair[i].left / PERSONS != pair[i].right / PERSONS;
	CHECK_AS(apart, "linking pairs records of different sources alone");
	crm_match_destroy(engine);
	settings->link = CRM_MATCH_DEDUPE_ONLY;
}

static uint64_t
size_two(void *context, uint64_t cluster)
{
	(void) context;
	return cluster == 9 ? 40 : 2;
}

static void
test_join(void)
{
	CrmMatchModel model = {.threshold = 0, .absent = -4};
	CrmMatchEdge edge[] = {{7, 6, false}, {9, 12, false}, {7, 4, false}, {8, 19, true}, {8, 19, false}};

	CHECK_AS(crm_match_join(&model, edge, 5, size_two, NULL) == 7,
			 "neither the cluster that contradicts nor the one that hardly knows the record");
	CHECK(crm_match_join(&model, edge, 0, size_two, NULL) == 0);
}

static void
test_refusals(const CrmMatchSettings *good)
{
	CrmMatchSettings settings = *good;
	CrmMatchFault fault;
	CrmMatchText nothing[COLUMNS * 30] = {{NULL, 0}};
	int			patience = 3;
	CrmMatchHost hasty = {.canceled = cancel, .context = &patience};
	CrmMatchHost poor = {.memory = 40000};
	CrmMatchEngine *engine;

	settings.comparison_count = 0;
	CHECK(crm_match_create(&settings, NULL, &fault) == NULL && fault.code == CRM_MATCH_NO_COLUMNS);
	settings = *good;
	settings.rule_count = 0;
	CHECK(crm_match_create(&settings, NULL, &fault) == NULL && fault.code == CRM_MATCH_NO_RULES);
	settings = *good;
	settings.comparison[0].column[0] = 99;
	CHECK(crm_match_create(&settings, NULL, &fault) == NULL && fault.code == CRM_MATCH_SETTINGS);
	settings = *good;
	settings.rule[0].part[0].family = 99;
	CHECK(crm_match_create(&settings, NULL, &fault) == NULL && fault.code == CRM_MATCH_SETTINGS);
	CHECK(crm_match_suggest(column, COLUMNS, nothing, 30, 30, &settings, NULL, &fault) == CRM_MATCH_NO_COLUMNS);
	CHECK(strstr(fault.detail, "one value in all records") != NULL);
	CHECK(crm_match_suggest(column, 0, nothing, 0, 0, &settings, NULL, &fault) == CRM_MATCH_NO_COLUMNS);
	/* Records that are all alike are no duplicates to be found: nothing tells them from others. */
	for (int i = 0; i < COLUMNS * 30; i++)
		nothing[i] = (CrmMatchText) {"13800138000", 11};
	CHECK(crm_match_suggest(column, COLUMNS, nothing, 30, 30, &settings, NULL, &fault) == CRM_MATCH_NO_COLUMNS);
	engine = filled(good, &hasty);
	CHECK(run(engine) == CRM_MATCH_CANCELED);
	crm_match_destroy(engine);
	engine = crm_match_create(good, &poor, &fault);
	CHECK(engine == NULL || crm_match_add_record(engine, 0, value, &fault) == CRM_MATCH_NO_MEMORY);
	crm_match_destroy(engine);
	engine = crm_match_create(good, NULL, &fault);
	CHECK(crm_match_add_prepared(engine, 0, (const unsigned char *) "\x01\xff\xff", 3, &fault) == CRM_MATCH_FORM);
	CHECK_AS(run(engine) == CRM_MATCH_OK && crm_match_records(engine) == 0, "no record at all");
	crm_match_destroy(engine);
}

/* All records alike, all null, bytes that are no text, a text of ten million bytes. */
static void
test_bad_records(CrmMatchSettings *good)
{
	CrmMatchFault fault;
	CrmMatchEngine *engine;
	size_t		huge = 10000000;
	char	   *text = malloc(huge);
	CrmMatchText row[COLUMNS];
	CrmMatchRuleReport report;
	bool		skipped = false;

	good->pair_budget = 100000;
	engine = crm_match_create(good, NULL, &fault);
	memset(text, 0xED, huge);
	for (int i = 0; i < 6000; i++)
	{
		for (int j = 0; j < COLUMNS; j++)
			row[j] = i % 3 == 0 ? (CrmMatchText) {NULL, 0} : i % 3 == 1 ? value[j] : (CrmMatchText) {text, i == 2 ? huge : 9};
		crm_match_add_record(engine, 0, row, &fault);
	}
	CHECK(run(engine) == CRM_MATCH_OK);
	for (int i = 0; i < good->rule_count; i++)
	{
		crm_match_rule_report(engine, i, &report);
		skipped |= report.skipped > 0 && report.largest >= 2000;
	}
	CHECK_AS(skipped && crm_match_candidates(engine) <= 110000, "a giant block is skipped and told");
	free(text);
	crm_match_destroy(engine);
}

/* Two valid numbers that differ: no evidence besides puts them into one cluster. */
static void
test_conflict(void)
{
	static const char *const number[] = {"11010519491231002X", "440524188001010014", NULL};
	CrmMatchSettings settings;
	CrmMatchFault fault;
	CrmMatchEngine *engine;
	CrmMatchModel *model = calloc(1, sizeof(*model));
	const CrmMatchKind *id = crm_match_kind_find("cn_id_number");
	const uint32_t *cluster;

	crm_match_settings_init(&settings);
	settings.column_count = settings.comparison_count = 2;
	settings.comparison[0] = (CrmMatchComparison) {.kind = id, .column_count = 1};
	settings.comparison[1] = (CrmMatchComparison) {.kind = &crm_match_kind_exact, .column_count = 1, .column = {1}};
	settings.rule_count = 1;
	settings.rule[0].count = 1;
	settings.rule[0].part[0].comparison = 1;
	engine = crm_match_create(&settings, NULL, &fault);
	for (int i = 0; i < 3; i++)
	{
		CrmMatchText row[2] = {{number[i], number[i] == NULL ? 0 : 18}, {"same", 4}};

		crm_match_add_record(engine, 0, row, &fault);
	}
	model->trained = true;
	model->comparison_count = 2;
	model->classes = 2;
	model->match_classes = 1;
	model->prior = model->share[0] = 0.4;
	model->share[1] = 0.6;
	for (int i = 0; i < 2; i++)
		for (int j = 1; j < CRM_MATCH_LEVEL_MAX; j++)
			model->chance[0][i][j] = model->chance[1][i][j] = 0.1;
	model->chance[0][1][1] = 0.99;
	model->chance[1][1][1] = 0.0001;
	CHECK(crm_match_set_model(engine, model, &fault) == CRM_MATCH_OK && crm_match_predict(engine, &fault) == CRM_MATCH_OK);
	CHECK(crm_match_cluster(engine, CRM_MATCH_AVERAGE_LINKAGE, NAN, &fault) == CRM_MATCH_OK);
	cluster = crm_match_clusters(engine);
	CHECK(cluster[0] != cluster[1] && (cluster[2] == cluster[0] || cluster[2] == cluster[1]));
	free(model);
	crm_match_destroy(engine);
}

static void
test_suggestion(const CrmMatchSettings *settings, const char **why)
{
	CHECK(strcmp(why[0], "left out: names the record") == 0);
	CHECK(strcmp(why[1], "person's name") == 0 && strcmp(why[2], "date") == 0 && strcmp(why[3], "e-mail address") == 0);
	CHECK(settings->comparison_count == 4 && settings->rule_count > 3);
}

int
main(void)
{
	CrmMatchSettings *settings = malloc(sizeof(*settings));
	CrmMatchFault fault = {0};
	const char *why[COLUMNS];

	test_kinds();
	test_distances();
	make_table();
	CHECK(crm_match_suggest(column, COLUMNS, value, 2 * PERSONS, 2 * PERSONS, settings, why, &fault) == CRM_MATCH_OK);
	test_suggestion(settings, why);
	settings->random_pairs = 20000;	/* the sanitizers make every pair dear */
	settings->em_rounds = 12;
	test_batch(settings);
	test_steps(settings);
	test_links(settings);
	test_join();
	test_conflict();
	test_refusals(settings);
	test_bad_records(settings);
	free(settings);
	return unit_done();
}
