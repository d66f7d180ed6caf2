/*
 * match_driver.c: matches a CSV file with the engine's defaults alone, without a
 * server: for measuring quality and speed.
 *
 *	match_driver FILE.csv [-o CLUSTERS.csv] [-p PAIRS.tsv] [-t TRUTH.csv] [-j THREADS] [-e COUNT] [-x] [-v]
 *
 * -x hides the names of columns; -v shows settings, model and rules; -p writes
 * every pair that is kept, so that two versions can be held beside each other.  With a
 * truth file (id,cluster_id) one line of figures is printed, with -e COUNT also
 * the first wrong and missed pairs.
 */
#include "match/match_engine_core.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct Table
{
	char	   *bytes;
	int			columns;
	char	   *name[CRM_MATCH_COLUMN_MAX];
	size_t		rows;
	size_t		room;
	CrmMatchText *value;
} Table;

static void
die(const char *what)
{
	fprintf(stderr, "match_driver: %s\n", what);
	exit(2);
}

static char *
slurp(const char *path, size_t *length)
{
	FILE	   *file = fopen(path, "rb");
	char	   *bytes;
	long		size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
		die(path);
	rewind(file);
	bytes = malloc((size_t) size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t) size, file) != (size_t) size)
		die(path);
	bytes[size] = '\0';
	*length = (size_t) size;
	fclose(file);
	return bytes;
}

/* One field in place; at is behind its separator afterwards. */
static char *
field(char **at, bool *end)
{
	char	   *from = *at;
	char	   *in = *at;
	char	   *out = *at;
	bool		quoted = *in == '"';

	for (in += quoted; *in != '\0'; in++)
	{
		if (quoted && *in == '"')
		{
			if (in[1] != '"')
			{
				quoted = false;
				continue;
			}
			in++;
		}
		else if (!quoted && (*in == ',' || *in == '\n' || *in == '\r'))
			break;
		*out++ = *in;
	}
	*end = *in != ',';
	if (*in == '\r')
		in++;
	*at = *in == '\0' ? in : in + 1;
	*out = '\0';
	return from;
}

static void
read_table(const char *path, Table *table)
{
	size_t		length;
	char	   *at = table->bytes = slurp(path, &length);
	bool		end = false;

	if (memcmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	while (!end && table->columns < CRM_MATCH_COLUMN_MAX)
		table->name[table->columns++] = field(&at, &end);
	while (*at != '\0')
	{
		if (table->rows == table->room)
		{
			table->room = table->room ? table->room * 2 : 1024;
			table->value = realloc(table->value, table->room * (size_t) table->columns * sizeof(CrmMatchText));
		}
		end = false;
		for (int i = 0; i < table->columns; i++)
		{
			char	   *text = end ? NULL : field(&at, &end);

			table->value[table->rows * (size_t) table->columns + (size_t) i] =
				(CrmMatchText) {text == NULL || *text == '\0' ? NULL : text, text == NULL ? 0 : strlen(text)};
		}
		while (!end)
			field(&at, &end);
		table->rows++;
	}
}

static double
cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
show_model(const CrmMatchEngine *engine, const CrmMatchSettings *settings, const Table *table, const char **why)
{
	const CrmMatchModel *model = crm_match_model(engine);

	for (int i = 0; i < table->columns; i++)
		printf("column %s: %s\n", table->name[i], why[i]);
	printf("prior %.3g classes %d\n", model->prior, model->classes);
	for (int k = 0; k < model->classes; k++)
		printf("class %d share %.3g\n", k, model->share[k]);
	for (int i = 0; i < settings->comparison_count; i++)
	{
		printf("%-22s %s\n", settings->comparison[i].kind->name, table->name[settings->comparison[i].column[0]]);
		for (int level = 1; level < crm_match_kind_levels(settings->comparison[i].kind); level++)
		{
			printf("    %-18s m %.5f u %.3g weight %6.2f  ", settings->comparison[i].kind->level[level],
				   model->m[i][level], model->u[i][level], model->weight[i][level]);
			for (int k = 0; k < model->classes; k++)
				printf(" %.4g", model->chance[k][i][level]);
			printf("\n");
		}
	}
	for (int i = 0; i < settings->rule_count; i++)
	{
		CrmMatchRuleReport report;

		crm_match_rule_report(engine, i, &report);
		printf("rule %2d:", i);
		for (int j = 0; j < settings->rule[i].count; j++)
			printf(" %s.%s", table->name[settings->comparison[settings->rule[i].part[j].comparison].column[0]],
				   settings->comparison[settings->rule[i].part[j].comparison].kind->family[settings->rule[i].part[j].family]);
		printf("  pairs %llu blocks %llu skipped %llu (%llu pairs) largest %u cap %u\n", (unsigned long long) report.pairs,
			   (unsigned long long) report.blocks, (unsigned long long) report.skipped,
			   (unsigned long long) report.skipped_pairs, report.largest, model->rule_cap[i]);
	}
}

/* -- figures ------------------------------------------------------------------ */

typedef struct Labelled
{
	uint32_t	truth;
	uint32_t	found;
} Labelled;

static int
by_both(const void *a, const void *b)
{
	const Labelled *x = a;
	const Labelled *y = b;

	if (x->truth != y->truth)
		return x->truth < y->truth ? -1 : 1;
	return x->found < y->found ? -1 : x->found > y->found;
}

static int
by_found(const void *a, const void *b)
{
	const Labelled *x = a;
	const Labelled *y = b;

	return x->found < y->found ? -1 : x->found > y->found;
}

static double
pairs_of(const Labelled *label, size_t count, bool both, bool found)
{
	double		pairs = 0;

	for (size_t from = 0, to; from < count; from = to)
	{
		for (to = from + 1; to < count && (found || label[to].truth == label[from].truth) &&
			 (!(both || found) || label[to].found == label[from].found); to++)
			;
		pairs += (double) (to - from) * (double) (to - from - 1) / 2;
	}
	return pairs;
}

typedef struct Named
{
	const char *id;
	const char *cluster;
	uint32_t	number;
} Named;

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const Named *) a)->id, ((const Named *) b)->id);
}

static int
by_cluster(const void *a, const void *b)
{
	return strcmp(((const Named *) a)->cluster, ((const Named *) b)->cluster);
}

/* Rows of the truth file in the order of the table's ids. */
static Named *
read_truth(const char *path, const Table *table, uint32_t *truth)
{
	static Table file;
	Named	   *named;
	int			id = 0;
	int			cluster = 1;

	read_table(path, &file);
	for (int i = 0; i < file.columns; i++)
	{
		id = strcmp(file.name[i], "id") == 0 ? i : id;
		cluster = strcmp(file.name[i], "cluster_id") == 0 ? i : cluster;
	}
	named = malloc((file.rows + 1) * sizeof(*named));
	for (size_t row = 0; row < file.rows; row++)
		named[row] = (Named) {file.value[row * (size_t) file.columns + (size_t) id].text, file.value[row * (size_t) file.columns + (size_t) cluster].text, 0};
	qsort(named, file.rows, sizeof(*named), by_cluster);
	for (size_t row = 1; row < file.rows; row++)
		named[row].number = named[row - 1].number + (strcmp(named[row].cluster, named[row - 1].cluster) != 0);
	qsort(named, file.rows, sizeof(*named), by_id);
	for (size_t row = 0; row < table->rows; row++)
	{
		Named		key = {table->value[row * (size_t) table->columns].text, NULL, 0};
		Named	   *hit = bsearch(&key, named, file.rows, sizeof(*named), by_id);

		if (hit == NULL)
			die("a record has no truth");
		truth[row] = hit->number;
	}
	return named;
}

static void
figures(const char *path, const Table *table, const CrmMatchEngine *engine, const uint32_t *truth)
{
	const uint32_t *cluster = crm_match_clusters(engine);
	size_t		count;
	const CrmMatchPair *pair = crm_match_pairs(engine, &count);
	Labelled   *label = malloc((table->rows + 1) * sizeof(*label));
	double		real;
	double		hit;
	double		found;
	double		candidates = 0;
	double		above = 0;
	double		right = 0;
	const char *name = strrchr(path, '/');

	for (size_t row = 0; row < table->rows; row++)
		label[row] = (Labelled) {truth[row], cluster[row]};
	qsort(label, table->rows, sizeof(*label), by_both);
	real = pairs_of(label, table->rows, false, false);
	hit = pairs_of(label, table->rows, true, false);
	qsort(label, table->rows, sizeof(*label), by_found);
	found = pairs_of(label, table->rows, false, true);
	for (size_t i = 0; i < count; i++)
	{
		bool		same = truth[pair[i].left] == truth[pair[i].right];

		candidates += same;
		above += pair[i].weight >= 0;
		right += same && pair[i].weight >= 0;
	}
	printf("%-20s precision %.4f recall %.4f F1 %.4f  (pairs kept %zu with recall %.4f; at 0 bits P %.4f R %.4f)\n",
		   name == NULL ? path : name + 1, found > 0 ? hit / found : 1, real > 0 ? hit / real : 1, found + real > 0 ? 2 * hit / (found + real) : 1,
		   count, real > 0 ? candidates / real : 1, above > 0 ? right / above : 1, real > 0 ? right / real : 1);
	free(label);
}

static void
show_errors(const Table *table, const CrmMatchEngine *engine, const CrmMatchSettings *settings, const uint32_t *truth, int most)
{
	const uint32_t *cluster = crm_match_clusters(engine);
	size_t		count;
	const CrmMatchPair *pair = crm_match_pairs(engine, &count);

	for (size_t i = 0; i < count && most > 0; i++)
	{
		bool		same = truth[pair[i].left] == truth[pair[i].right];
		bool		joined = cluster[pair[i].left] == cluster[pair[i].right];

		if (same == joined)
			continue;
		most--;
		printf("%s %.2f ", same ? "MISSED" : "WRONG", pair[i].weight);
		for (int j = 0; j < settings->comparison_count; j++)
			printf("%s ", settings->comparison[j].kind->level[crm_match_level(pair[i].vector, j)]);
		for (int side = 0; side < 2; side++)
		{
			printf("\n    ");
			for (int j = 0; j < table->columns; j++)
			{
				const CrmMatchText *text = &table->value[(side ? pair[i].right : pair[i].left) * (size_t) table->columns + (size_t) j];

				printf("%s|", text->text == NULL ? "" : text->text);
			}
		}
		printf("\n");
	}
}

static void
write_pairs(const char *path, const CrmMatchEngine *engine)
{
	FILE	   *file = fopen(path, "w");
	size_t		count;
	const CrmMatchPair *pair = crm_match_pairs(engine, &count);

	if (file == NULL)
		die(path);
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%u\t%u\t%llx\t%.9g\t%d\t%d\n", pair[i].left, pair[i].right, (unsigned long long) pair[i].vector,
				(double) pair[i].weight, pair[i].rule, pair[i].conflict);
	fclose(file);
}

int
main(int argc, char **argv)
{
	Table		table = {0};
	const char *out = NULL;
	const char *pairs_path = NULL;
	const char *truth_path = NULL;
	CrmMatchHost host = {.threads = 2};
	bool		hide = false;
	bool		verbose = false;
	int			errors = 0;
	CrmMatchColumn column[CRM_MATCH_COLUMN_MAX];
	const char *why[CRM_MATCH_COLUMN_MAX];
	CrmMatchSettings *settings = malloc(sizeof(*settings));
	CrmMatchFault fault = {0};
	CrmMatchEngine *engine;
	double		begun = cpu();
	double		at[6];

	if (argc < 2)
		die("which file?");
	for (int i = 2; i < argc; i++)
	{
		if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
			out = argv[++i];
		else if (strcmp(argv[i], "-p") == 0 && i + 1 < argc)
			pairs_path = argv[++i];
		else if (strcmp(argv[i], "-t") == 0 && i + 1 < argc)
			truth_path = argv[++i];
		else if (strcmp(argv[i], "-j") == 0 && i + 1 < argc)
			host.threads = atoi(argv[++i]);
		else if (strcmp(argv[i], "-e") == 0 && i + 1 < argc)
			errors = atoi(argv[++i]);
		else if (strcmp(argv[i], "-x") == 0)
			hide = true;
		else if (strcmp(argv[i], "-v") == 0)
			verbose = true;
		else
			die("no such option");
	}
	read_table(argv[1], &table);
	for (int i = 0; i < table.columns; i++)
		column[i] = (CrmMatchColumn) {hide ? "" : table.name[i], "text"};
	at[0] = cpu() - begun;
	if (crm_match_suggest(column, table.columns, table.value, table.rows < 5000 ? table.rows : 5000, table.rows, settings, why, &fault) != CRM_MATCH_OK)
		die(crm_match_reason(fault.code));
	engine = crm_match_create(settings, &host, &fault);
	if (engine == NULL)
		die(crm_match_reason(fault.code));
	at[1] = cpu() - begun;
	for (size_t row = 0; row < table.rows; row++)
		if (crm_match_add_record(engine, 0, table.value + row * (size_t) table.columns, &fault) != CRM_MATCH_OK)
			die(crm_match_reason(fault.code));
	at[2] = cpu() - begun;
	if (crm_match_train(engine, &fault) != CRM_MATCH_OK)
		die(crm_match_reason(fault.code));
	at[3] = cpu() - begun;
	if (crm_match_predict(engine, &fault) != CRM_MATCH_OK)
		die(crm_match_reason(fault.code));
	at[4] = cpu() - begun;
	if (crm_match_cluster(engine, CRM_MATCH_AVERAGE_LINKAGE, NAN, &fault) != CRM_MATCH_OK)
		die(crm_match_reason(fault.code));
	at[5] = cpu() - begun;
	if (verbose)
		show_model(engine, settings, &table, why);
	if (verbose)
		printf("candidates %llu; CPU s: read %.2f suggest %.2f prepare %.2f train %.2f predict %.2f cluster %.2f\n",
			   (unsigned long long) crm_match_candidates(engine), at[0], at[1] - at[0], at[2] - at[1], at[3] - at[2],
			   at[4] - at[3], at[5] - at[4]);
	if (truth_path != NULL)
	{
		uint32_t   *truth = malloc((table.rows + 1) * sizeof(*truth));
		Named	   *named = read_truth(truth_path, &table, truth);

		figures(argv[1], &table, engine, truth);
		if (errors > 0)
			show_errors(&table, engine, settings, truth, errors);
		free(truth);
		free(named);
	}
	if (pairs_path != NULL)
		write_pairs(pairs_path, engine);
	if (out != NULL)
	{
		FILE	   *file = fopen(out, "w");

		if (file == NULL)
			die(out);
		fprintf(file, "id,cluster_id\n");
		for (size_t row = 0; row < table.rows; row++)
			fprintf(file, "%s,%u\n", table.value[row * (size_t) table.columns].text, crm_match_clusters(engine)[row]);
		fclose(file);
	}
	crm_match_destroy(engine);
	free(table.value);
	free(table.bytes);
	free(settings);
	return 0;
}
