/*
 * ident_clean_core.c: what is done to an address before it is read: traditional
 * characters, separators, postcode, and the contact that stands beside it.
 */
#include "ident_address_core.h"

#include "chinese_table.inc"

#define CHUNK_MAX 24

/* Simplified form of a traditional character, else the character itself. */
uint32_t
crm_fold_chinese(uint32_t point)
{
	size_t		low;
	size_t		high;
	size_t		last;

	if (point < 0x3400 || point > 0xFFFF)
		return point;
	low = chinese_block[point >> 8];
	high = last = chinese_block[(point >> 8) + 1];
	while (low < high)
	{
		size_t		middle = (low + high) / 2;

		if (chinese_pair[middle][0] < point)
			low = middle + 1;
		else
			high = middle;
	}
	return low < last && chinese_pair[low][0] == point ? chinese_pair[low][1] : point;
}

/* One piece of the text between separators. */
typedef struct Chunk
{
	size_t		start;
	size_t		end;
	int			points;
	int			digits;
	bool		dropped;
} Chunk;

static const char *const drop_label[] = {
	"收件人:", "收货人:", "联系人:", "姓名:", "电话:", "手机:", "联系电话:", "手机号:", "手机号码:", "邮编:",
	"邮政编码:", "寄件人:", NULL
};
static const char *const keep_label[] = {
	"地址:", "收货地址:", "详细地址:", "联系地址:", "通讯地址:", "注册地址:", "住址:", "收件地址:", "所在地区:", NULL
};

/* Signs that part the pieces of an address wherever they stand. */
static bool
is_separator(uint32_t point)
{
	return point == ' ' || point == ',' || point == ';' || point == 0x3001 || point == 0x3002 ||
		point == '|' || point == '>' || point == '\\' || point == 0xB7 || point == 0x2022;
}

/* Fold traditional characters in place; the length never grows. */
void
crm_address_simplify(char *text, size_t *length)
{
	size_t		used = 0;

	for (size_t i = 0; i < *length;)
	{
		uint32_t	point;

		i += crm_utf8_decode(text + i, *length - i, &point);
		used += crm_utf8_encode(crm_fold_chinese(point), text + used);
	}
	text[used] = '\0';
	*length = used;
}

static int
split_chunks(const char *text, size_t length, Chunk *chunks)
{
	int			count = 0;
	bool		open = false;

	for (size_t i = 0; i < length;)
	{
		uint32_t	point;
		size_t		bytes = crm_utf8_decode(text + i, length - i, &point);

		if (is_separator(point) && count < CHUNK_MAX)
			open = false;
		else
		{
			if (!open)
			{
				memset(&chunks[count], 0, sizeof(Chunk));
				chunks[count++].start = i;
				open = true;
			}
			chunks[count - 1].end = i + bytes;
			chunks[count - 1].points++;
			chunks[count - 1].digits += point < 0x80 && crm_is_digit((char) point);
		}
		i += bytes;
	}
	return count;
}

/* A telephone number or postcode, as far as an address is concerned. */
static bool
is_number_chunk(const char *text, const Chunk *chunk)
{
	for (size_t i = chunk->start; i < chunk->end; i++)
	{
		if (!crm_is_digit(text[i]) && text[i] != '-' && text[i] != '+')
			return false;
	}
	return chunk->digits >= 6 && chunk->digits <= 16;
}

/* Two to four Han characters at the edge may be the receiver's name. */
static bool
is_person_chunk(const char *text, const Chunk *chunk)
{
	if (chunk->points < 2 || chunk->points > 4 || chunk->digits > 0)
		return false;
	for (size_t i = chunk->start; i < chunk->end; i += crm_point_bytes(text[i]))
	{
		static const char *const place_sign[] = {
			"省", "市", "县", "区", "镇", "乡", "村", "路", "街", "道", "号", "州", "旗", "巷", "里", NULL
		};

		if ((unsigned char) text[i] < 0x80 || crm_begins_any(text + i, chunk->end - i, place_sign))
			return false;
	}
	return true;
}

/* Mark what is no address: numbers, labelled contacts, a name beside a number. */
static void
drop_contacts(const char *text, Chunk *chunks, int count)
{
	bool		contact = false;

	for (int i = 0; i < count; i++)
	{
		Chunk	   *chunk = &chunks[i];
		size_t		label = crm_begins_any(text + chunk->start, chunk->end - chunk->start, keep_label);

		chunk->start += label;
		if (crm_begins_any(text + chunk->start, chunk->end - chunk->start, drop_label) > 0 ||
			is_number_chunk(text, chunk))
			chunk->dropped = true;
		contact |= chunk->dropped && (chunk->digits != 6);
	}
	for (int i = 0; contact && i < count; i++)
	{
		if ((i < 2 || i >= count - 2) && is_person_chunk(text, &chunks[i]))
			chunks[i].dropped = true;
	}
}

/* A postcode may also stick to the text that follows it. */
static size_t
front_postcode(const char *text, size_t length)
{
	if (length > 9 && crm_all_digits(text, 6) && (unsigned char) text[6] >= 0xE4)
		return 6;
	return 0;
}

/* Put the remaining pieces together; ASCII words keep a space between them. */
static size_t
join_chunks(char *text, const Chunk *chunks, int count)
{
	size_t		used = 0;

	for (int i = 0; i < count; i++)
	{
		size_t		start = chunks[i].start;
		size_t		bytes;

		if (chunks[i].dropped || chunks[i].start >= chunks[i].end)
			continue;
		if (used == 0)
			start += front_postcode(text + start, chunks[i].end - start);
		bytes = chunks[i].end - start;
		if (used > 0 && (unsigned char) text[used - 1] < 0x80 && (unsigned char) text[start] < 0x80 &&
			start > used)
			text[used++] = ' ';
		memmove(text + used, text + start, bytes);
		used += bytes;
	}
	text[used] = '\0';
	return used;
}

/* A dash or slash between two Han characters parts levels; elsewhere it counts. */
static size_t
drop_han_dashes(char *text, size_t length)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		bool		sign = text[i] == '-' || text[i] == '/' || text[i] == '_' || text[i] == '.';

		if (sign && (i == 0 || (unsigned char) text[i - 1] >= 0x80) &&
			i + 1 < length && (unsigned char) text[i + 1] >= 0x80)
			continue;
		text[used++] = text[i];
	}
	text[used] = '\0';
	return used;
}

/* Clean a folded text in place; its new length. */
size_t
crm_address_clean(char *text, size_t length)
{
	Chunk		chunks[CHUNK_MAX + 1];
	int			count;

	crm_address_simplify(text, &length);
	count = split_chunks(text, length, chunks);
	drop_contacts(text, chunks, count);
	length = join_chunks(text, chunks, count);
	return drop_han_dashes(text, length);
}
