/*
 * match_soft_core.c: the sounds that speakers of southern dialects do not tell
 * apart.  It stands alone, since the maker of the table uses it too.
 */
#include "match_pinyin_core.h"

/*
 * Write letters as they sound to a careless ear: z for zh, c for ch, s for sh, n
 * for l, h for f and hu before a vowel, -n for -ng.
 *
 * It works on a run of syllables as well as on one, so that 李 and "Li", "Lifang"
 * and 李芳 come to the same letters.
 */
size_t
crm_pinyin_soften(char *letters, size_t length)
{
	size_t		used = 0;

	for (size_t i = 0; i < length; i++)
	{
		char		here = letters[i];
		char		next = i + 1 < length ? letters[i + 1] : '\0';
		char		third = i + 2 < length ? letters[i + 2] : '\0';

		if ((here == 'l' || here == 'n') && next == 'y' && third == 'u')
			i++;				/* lyu is lu for those who have no ü */
		else if ((here == 'z' || here == 'c' || here == 's') && next == 'h')
			i++;
		else if (here == 'n' && next == 'g')
			i++;
		else if (here == 'h' && next == 'u' && (third == 'a' || third == 'o'))
			i++;
		else if (here == 'h' && next == 'u' && (third == 'i' || third == 'n'))
			letters[i + 1] = 'e';
		letters[used++] = here == 'l' ? 'n' : here == 'f' ? 'h' : here;
	}
	return used;
}
