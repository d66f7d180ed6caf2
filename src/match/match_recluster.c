/*
 * match_recluster.c: clusters made anew of some records.
 *
 * A run clusters a million records by the pairs that it kept; here some dozens that
 * were one cluster are weighed pair by pair, when one of them is gone or a person said
 * that they belong together.
 */
#include "match_join.h"
#include "match_inside_core.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"

/*
 * Average linkage among the members of one cluster, as a run would have it, with
 * what people said of them.  Small: its work grows with the cube of the members.
 */
typedef struct Piece
{
	int64		record;
	text	   *id;
	unsigned char *prepared;
	size_t		length;
	int			group;
	int			size;			/* of the group that the piece leads; 0: it leads none */
} Piece;

typedef struct Puzzle
{
	int			count;
	Piece	   *piece;
	double	   *sum;			/* of weights between two groups */
	bool	   *barred;			/* two groups that are never one */
} Puzzle;

static void
weigh_pieces(CrmMatchFind *find, Puzzle *puzzle)
{
	int			n = puzzle->count;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
		{
			CrmMatchScore score;

			crm_match_find_score(find, puzzle->piece[i].prepared, puzzle->piece[j].prepared, &score);
			puzzle->sum[i * n + j] = puzzle->sum[j * n + i] = crm_match_bound(score.weight);
			puzzle->barred[i * n + j] = puzzle->barred[j * n + i] = score.conflict;
		}
}

static void
join_groups(Puzzle *puzzle, int a, int b)
{
	int			n = puzzle->count;

	for (int c = 0; c < n; c++)
	{
		puzzle->sum[a * n + c] = puzzle->sum[c * n + a] = puzzle->sum[a * n + c] + puzzle->sum[b * n + c];
		puzzle->barred[a * n + c] = puzzle->barred[c * n + a] = puzzle->barred[a * n + c] || puzzle->barred[b * n + c];
		if (puzzle->piece[c].group == b)
			puzzle->piece[c].group = a;
	}
	puzzle->piece[a].size += puzzle->piece[b].size;
	puzzle->piece[b].size = 0;
}

/* What keeps apart first: as in a run, it has the last word. */
static void
obey_among(CrmMatchFind *find, Puzzle *puzzle)
{
	int			n = puzzle->count;
	Datum	   *id = palloc(sizeof(Datum) * n);
	Datum		values[2] = {Int32GetDatum(find->model->model_id)};
	uint64		rows;

	for (int i = 0; i < n; i++)
		id[i] = PointerGetDatum(puzzle->piece[i].id);
	values[1] = PointerGetDatum(construct_array(id, n, TEXTOID, -1, false, TYPALIGN_INT));
	if (!crm_match_any_judged(find))
		return;
	rows = crm_match_saved(JUDGED_AMONG, values, NULL);
	for (int same = 0; same <= 1; same++)
		for (uint64 i = 0; i < rows; i++)
		{
			bool		isnull;
			int			a = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
			int			b = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &isnull));

			if (DatumGetBool(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &isnull)) != (same == 1))
				continue;
			if (!same)
				puzzle->barred[a * n + b] = puzzle->barred[b * n + a] = true;
			else if ((a = puzzle->piece[a].group) != (b = puzzle->piece[b].group) && !puzzle->barred[a * n + b])
				join_groups(puzzle, a, b);
			else if (a != b && puzzle->piece[a].size == 1 && puzzle->piece[b].size == 1)
				join_groups(puzzle, a, b);	/* a person's word against two numbers */
		}
}

static void
solve(Puzzle *puzzle, double threshold)
{
	int			n = puzzle->count;

	for (;;)
	{
		double		most = threshold;
		int			a = -1;
		int			b = -1;

		for (int i = 0; i < n; i++)
			for (int j = 0; j < i && puzzle->piece[i].size > 0; j++)
			{
				double		mean = puzzle->piece[j].size == 0 || puzzle->barred[i * n + j] ? -INFINITY
					: puzzle->sum[i * n + j] / ((double) puzzle->piece[i].size * puzzle->piece[j].size);

				if (mean >= most)
				{
					most = mean;
					a = j;
					b = i;
				}
			}
		if (a < 0)
			return;
		join_groups(puzzle, a, b);
	}
}

/* A record goes to another cluster; its number now.  One of the run is written anew, since its page stays. */
static int64
move_record(CrmMatchFind *find, const Piece *piece, int64 cluster)
{
	Datum		values[3] = {Int32GetDatum(find->model->model_id), Int64GetDatum(piece->record), Int64GetDatum(cluster)};
	int64		record = piece->record;

	if (record >= find->model->records)
	{
		(void) crm_match_saved(MOVE_RECORD, values, NULL);
		return record;
	}
	(void) crm_match_saved(ADD_GONE, values, NULL);
	(void) crm_match_saved(DROP_PAIRS, values, NULL);
	find->prepared = piece->prepared;
	find->prepared_length = piece->length;
	find->count = 0;
	crm_match_find_candidates(find);
	record = crm_match_next_number(find, NEXT_RECORD);
	crm_match_store_record(find, record, text_to_cstring(piece->id), cluster);
	crm_match_store_pairs(find, record);
	return record;
}

static Puzzle
spread_pieces(CrmMatchFind *find, const Members *members)
{
	Puzzle		puzzle = {.count = members->count};
	size_t		cells = (size_t) members->count * members->count;
	int64		cluster;

	puzzle.piece = palloc0(sizeof(Piece) * members->count);
	puzzle.sum = palloc0(sizeof(double) * cells);
	puzzle.barred = palloc0(sizeof(bool) * cells);
	for (int i = 0; i < members->count; i++)
	{
		Piece	   *piece = &puzzle.piece[i];

		piece->record = members->record[i];
		piece->id = crm_match_find_identity(find, piece->record, &cluster);
		piece->prepared = crm_match_find_prepared(find, piece->record, &piece->length);
		piece->group = i;
		piece->size = 1;
	}
	return puzzle;
}

/* The group of the oldest record keeps the number, others get new ones; the cluster of the record follow. */
int64
crm_match_recluster(CrmMatchFind *find, const Members *members, int64 cluster, int64 follow)
{
	int64		followed = cluster;
	Puzzle		puzzle;
	int			oldest = 0;

	crm_match_set_cluster(find, cluster, 0, members->record, members->count);
	if (members->count > RECLUSTER_MOST)
		return cluster;
	puzzle = spread_pieces(find, members);
	weigh_pieces(find, &puzzle);
	obey_among(find, &puzzle);
	solve(&puzzle, find->model->fit.threshold);
	for (int i = 0; i < puzzle.count; i++)
		if (puzzle.piece[i].record < puzzle.piece[oldest].record)
			oldest = i;
	for (int group = 0; group < puzzle.count; group++)
	{
		int64		number = group == puzzle.piece[oldest].group ? cluster : 0;
		int64	   *record = palloc(sizeof(int64) * puzzle.count);
		int			count = 0;

		if (puzzle.piece[group].size == 0)
			continue;
		if (number == 0)
			number = crm_match_next_number(find, NEXT_CLUSTER);
		for (int i = 0; i < puzzle.count; i++)
			if (puzzle.piece[i].group == group)
			{
				followed = puzzle.piece[i].record == follow ? number : followed;
				record[count++] = number == cluster ? puzzle.piece[i].record : move_record(find, &puzzle.piece[i], number);
			}
		crm_match_set_cluster(find, number, 0, record, count);
	}
	return followed;
}
