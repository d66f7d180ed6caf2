/*
 * match_cluster_core.c: from pairs to clusters.
 *
 * Average linkage: two clusters join while the mean weight of all pairs between
 * them is above the threshold, best first.  Chains of near matches therefore do
 * not run together, as they do in connected components.  Pairs that blocking
 * did not make are scored when they are needed.
 */
#include "match_inside_core.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_PAIRS 64			/* absent pairs between two clusters that are scored */

/* What a cluster knows of a neighbour. */
typedef struct Link
{
	uint32_t	other;
	uint32_t	pairs;
	double		sum;
} Link;

typedef struct Node
{
	Link	   *link;
	uint32_t	links;
	uint32_t	room;
	uint32_t	size;
	uint32_t	next;			/* member list: next record, itself at the end */
	uint32_t	tail;
	uint32_t	version;		/* 0: merged away */
} Node;

typedef struct Offer
{
	double		mean;
	uint32_t	a;
	uint32_t	b;
	uint32_t	a_version;
	uint32_t	b_version;
} Offer;

typedef struct Clustering
{
	CrmMatchEngine *engine;
	CrmMatchScale scale;
	double		threshold;
	Node	   *node;
	Offer	   *heap;
	size_t		offers;
	size_t		room;
	uint32_t   *seen;			/* scratch: index + 1 of a neighbour in the list under work */
	bool		short_of_memory;
} Clustering;

static bool
better(const Offer *a, const Offer *b)
{
	if (a->mean != b->mean)
		return a->mean > b->mean;
	return a->a != b->a ? a->a < b->a : a->b < b->b;
}

static void
push(Clustering *clustering, Offer offer)
{
	size_t		at;

	if (clustering->offers == clustering->room)
	{
		size_t		room = clustering->room == 0 ? 4096 : clustering->room * 2;
		Offer	   *heap = crm_match_take_more(clustering->engine, clustering->heap, clustering->room, room, sizeof(*heap));

		if (heap == NULL)
		{
			clustering->short_of_memory = true;
			return;
		}
		clustering->heap = heap;
		clustering->room = room;
	}
	for (at = clustering->offers++; at > 0 && better(&offer, &clustering->heap[(at - 1) / 2]); at = (at - 1) / 2)
		clustering->heap[at] = clustering->heap[(at - 1) / 2];
	clustering->heap[at] = offer;
}

static Offer
pop(Clustering *clustering)
{
	Offer		top = clustering->heap[0];
	Offer		last = clustering->heap[--clustering->offers];
	size_t		at = 0;

	for (;;)
	{
		size_t		child = 2 * at + 1;

		if (child >= clustering->offers)
			break;
		if (child + 1 < clustering->offers && better(&clustering->heap[child + 1], &clustering->heap[child]))
			child++;
		if (!better(&clustering->heap[child], &last))
			break;
		clustering->heap[at] = clustering->heap[child];
		at = child;
	}
	if (clustering->offers > 0)
		clustering->heap[at] = last;
	return top;
}

static double
mean_of(const Clustering *clustering, uint32_t a, const Link *link)
{
	double		all = (double) clustering->node[a].size * clustering->node[link->other].size;

	return (link->sum + (all - link->pairs) * clustering->engine->model.absent) / all;
}

static void
offer(Clustering *clustering, uint32_t a, const Link *link)
{
	double		mean = mean_of(clustering, a, link);
	uint32_t	b = link->other;
	uint32_t	low = a < b ? a : b;
	uint32_t	high = a < b ? b : a;

	if (mean >= clustering->threshold)
		push(clustering, (Offer) {mean, low, high, clustering->node[low].version, clustering->node[high].version});
}

static bool
add_link(Clustering *clustering, uint32_t a, uint32_t other, double sum, uint32_t pairs)
{
	Node	   *node = &clustering->node[a];

	if (node->links == node->room)
	{
		uint32_t	room = node->room == 0 ? 4 : node->room * 2;
		Link	   *link = crm_match_take_more(clustering->engine, node->link, node->room, room, sizeof(*link));

		if (link == NULL)
		{
			clustering->short_of_memory = true;
			return false;
		}
		node->link = link;
		node->room = room;
	}
	node->link[node->links++] = (Link) {other, pairs, sum};
	return true;
}

static Link *
find_link(Node *node, uint32_t other)
{
	for (uint32_t i = 0; i < node->links; i++)
		if (node->link[i].other == other)
			return &node->link[i];
	return NULL;
}

static double
score_pair(Clustering *clustering, uint32_t a, uint32_t b, bool *conflict)
{
	const CrmMatchEngine *engine = clustering->engine;
	uint64_t	vector = crm_match_compare(&engine->settings, engine->record[a], engine->record[b]);

	*conflict |= crm_match_is_conflict(&engine->settings, vector);
	return crm_match_bound(crm_match_vector_weight(&clustering->scale, vector) + crm_match_pair_terms(engine, a, b, vector));
}

/* Sum over the pairs between two clusters that are not neighbours yet. */
static Link
score_absent(Clustering *clustering, uint32_t a, uint32_t b)
{
	const Node *node = clustering->node;
	Link		link = {b, 0, 0};
	bool		conflict = false;

	if ((uint64_t) node[a].size * node[b].size > EXACT_PAIRS)
		return link;
	for (uint32_t x = a;; x = node[x].next)
	{
		for (uint32_t y = b;; y = node[y].next)
		{
			link.sum += score_pair(clustering, x, y, &conflict);
			link.pairs++;
			if (node[y].next == y)
				break;
		}
		if (node[x].next == x)
			break;
	}
	return link;
}

/* Whether some member of one contradicts some member of the other. */
static bool
in_conflict(Clustering *clustering, uint32_t a, uint32_t b)
{
	const Node *node = clustering->node;
	bool		conflict = false;

	if ((uint64_t) node[a].size * node[b].size > 4096)
		return false;
	for (uint32_t x = a; !conflict; x = node[x].next)
	{
		for (uint32_t y = b; !conflict; y = node[y].next)
		{
			score_pair(clustering, x, y, &conflict);
			if (node[y].next == y)
				break;
		}
		if (node[x].next == x)
			break;
	}
	return conflict;
}

static void
drop_link(Node *node, uint32_t other)
{
	Link	   *link = find_link(node, other);

	if (link != NULL)
		*link = node->link[--node->links];
}

/* The neighbours of b become neighbours of a, whose neighbours also hear of b. */
static void
join_links(Clustering *clustering, uint32_t a, uint32_t b)
{
	Node	   *to = &clustering->node[a];
	Node	   *from = &clustering->node[b];
	uint32_t	before = to->links;

	for (uint32_t i = 0; i < before; i++)
		clustering->seen[to->link[i].other] = i + 1;
	for (uint32_t i = 0; i < from->links; i++)
	{
		Link		link = from->link[i];
		uint32_t	at = clustering->seen[link.other];

		drop_link(&clustering->node[link.other], b);
		if (at != 0)
		{
			to->link[at - 1].sum += link.sum;
			to->link[at - 1].pairs += link.pairs;
			clustering->seen[link.other] = UINT32_MAX;
			continue;
		}
		if (mean_of(clustering, b, &link) >= clustering->threshold - 20)
		{
			Link		more = score_absent(clustering, a, link.other);

			add_link(clustering, a, link.other, link.sum + more.sum, link.pairs + more.pairs);
			to = &clustering->node[a];
			add_link(clustering, link.other, a, link.sum + more.sum, link.pairs + more.pairs);
		}
	}
	for (uint32_t i = 0; i < before; i++)
	{
		uint32_t	other = to->link[i].other;
		Link	   *back;

		if (clustering->seen[other] != UINT32_MAX)
		{
			Link		more = score_absent(clustering, b, other);

			to->link[i].sum += more.sum;
			to->link[i].pairs += more.pairs;
		}
		clustering->seen[other] = 0;
		back = find_link(&clustering->node[other], a);
		if (back != NULL)
		{
			back->sum = to->link[i].sum;
			back->pairs = to->link[i].pairs;
		}
	}
}

static void
merge(Clustering *clustering, uint32_t a, uint32_t b)
{
	Node	   *node = clustering->node;

	drop_link(&node[a], b);
	drop_link(&node[b], a);
	join_links(clustering, a, b);
	node[node[a].tail].next = b;
	node[a].tail = node[b].tail;
	node[a].size += node[b].size;
	node[a].version++;
	node[b].version = 0;
	crm_match_give(clustering->engine, node[b].link, node[b].room, sizeof(Link));
	node[b].link = NULL;
	node[b].links = node[b].room = 0;
	for (uint32_t i = 0; i < node[a].links; i++)
		offer(clustering, a, &node[a].link[i]);
}

#define POLL 1024				/* offers between two looks at the host */

/* False when the host wants no more. */
static bool
agglomerate(Clustering *clustering)
{
	for (size_t round = 0; clustering->offers > 0 && !clustering->short_of_memory; round++)
	{
		Offer		best = pop(clustering);

		if (round % POLL == 0 && crm_match_stop(clustering->engine))
			return false;

		if (clustering->node[best.a].version != best.a_version || clustering->node[best.b].version != best.b_version)
			continue;
		if (in_conflict(clustering, best.a, best.b))
		{
			drop_link(&clustering->node[best.a], best.b);
			drop_link(&clustering->node[best.b], best.a);
			continue;
		}
		merge(clustering, best.a, best.b);
	}
	return true;
}

static uint32_t
root(uint32_t *parent, uint32_t x)
{
	while (parent[x] != x)
	{
		parent[x] = parent[parent[x]];
		x = parent[x];
	}
	return x;
}

/* The smaller record leads, so that a cluster has its smallest record's number. */
static void
unite(uint32_t *parent, uint32_t a, uint32_t b)
{
	a = root(parent, a);
	b = root(parent, b);
	if (a < b)
		parent[b] = a;
	else
		parent[a] = b;
}

static CrmMatchCode
average_linkage(Clustering *clustering, CrmMatchFault *fault)
{
	CrmMatchEngine *engine = clustering->engine;

	clustering->node = crm_match_take(engine, engine->records + 1, sizeof(Node));
	clustering->seen = crm_match_take(engine, engine->records + 1, sizeof(uint32_t));
	if (clustering->node != NULL)
		memset(clustering->node, 0, (engine->records + 1) * sizeof(Node));
	if (clustering->node == NULL || clustering->seen == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "clusters");
	memset(clustering->seen, 0, (engine->records + 1) * sizeof(uint32_t));
	for (uint32_t i = 0; i < engine->records; i++)
		clustering->node[i] = (Node) {.size = 1, .next = i, .tail = i, .version = 1};
	/* Pairs between records that no positive pair connects can be left out. */
	for (size_t i = 0; i < engine->pairs; i++)
	{
		const CrmMatchPair *pair = &engine->pair[i];

		if (engine->cluster[pair->left] != engine->cluster[pair->right])
			continue;
		add_link(clustering, pair->left, pair->right, crm_match_bound(pair->weight), 1);
		add_link(clustering, pair->right, pair->left, crm_match_bound(pair->weight), 1);
		if (pair->weight >= clustering->threshold && !pair->conflict)
			offer(clustering, pair->left, &clustering->node[pair->left].link[clustering->node[pair->left].links - 1]);
	}
	if (!agglomerate(clustering))
		return crm_match_fail(fault, CRM_MATCH_CANCELED, "clusters");
	for (uint32_t i = 0; i < engine->records; i++)
		engine->cluster[i] = i;
	for (uint32_t i = 0; i < engine->records; i++)
		if (clustering->node[i].version > 0)
			for (uint32_t x = i; clustering->node[x].next != x; x = clustering->node[x].next)
				unite(engine->cluster, i, clustering->node[x].next);
	return clustering->short_of_memory ? crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "clusters") : CRM_MATCH_OK;
}

static void
components(Clustering *clustering)
{
	CrmMatchEngine *engine = clustering->engine;

	for (size_t i = 0; i < engine->pairs; i++)
		if (engine->pair[i].weight >= clustering->threshold && !engine->pair[i].conflict)
			unite(engine->cluster, engine->pair[i].left, engine->pair[i].right);
}

static void
flatten(CrmMatchEngine *engine)
{
	for (uint32_t i = 0; i < engine->records; i++)
		engine->cluster[i] = root(engine->cluster, i);
}

/* Each record with the best of its pairs alone. */
static CrmMatchCode
best_link(Clustering *clustering, CrmMatchFault *fault)
{
	CrmMatchEngine *engine = clustering->engine;
	size_t	   *best = crm_match_take(engine, engine->records + 1, sizeof(*best));

	if (best == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "clusters");
	memset(best, -1, (engine->records + 1) * sizeof(*best));
	for (size_t i = 0; i < engine->pairs; i++)
		for (int side = 0; side < 2; side++)
		{
			uint32_t	record = side == 0 ? engine->pair[i].left : engine->pair[i].right;

			if (engine->pair[i].weight >= clustering->threshold && !engine->pair[i].conflict &&
				(best[record] == SIZE_MAX || engine->pair[best[record]].weight < engine->pair[i].weight))
				best[record] = i;
		}
	for (uint32_t i = 0; i < engine->records; i++)
		if (best[i] != SIZE_MAX)
			unite(engine->cluster, engine->pair[best[i]].left, engine->pair[best[i]].right);
	crm_match_give(engine, best, engine->records + 1, sizeof(*best));
	return CRM_MATCH_OK;
}

CrmMatchCode
crm_match_cluster(CrmMatchEngine *engine, CrmMatchMethod method, double threshold, CrmMatchFault *fault)
{
	Clustering	clustering = {.engine = engine, .threshold = isnan(threshold) ? engine->model.threshold : threshold};
	CrmMatchCode code = CRM_MATCH_OK;

	if (engine->pair == NULL)
		return crm_match_fail(fault, CRM_MATCH_ORDER, "clusters are made of pairs");
	crm_match_scale(&engine->model, &clustering.scale);
	if (engine->cluster == NULL)
		engine->cluster = crm_match_take(engine, engine->records + 1, sizeof(uint32_t));
	if (engine->cluster == NULL)
		return crm_match_fail(fault, CRM_MATCH_NO_MEMORY, "clusters");
	for (uint32_t i = 0; i < engine->records; i++)
		engine->cluster[i] = i;
	if (method == CRM_MATCH_BEST_LINK)
		code = best_link(&clustering, fault);
	else
		components(&clustering);
	flatten(engine);
	if (method == CRM_MATCH_AVERAGE_LINKAGE)
		code = average_linkage(&clustering, fault);
	for (size_t i = 0; clustering.node != NULL && i < engine->records; i++)
		crm_match_give(engine, clustering.node[i].link, clustering.node[i].room, sizeof(Link));
	crm_match_give(engine, clustering.node, engine->records + 1, sizeof(Node));
	crm_match_give(engine, clustering.heap, clustering.room, sizeof(Offer));
	crm_match_give(engine, clustering.seen, engine->records + 1, sizeof(uint32_t));
	flatten(engine);
	return code;
}
