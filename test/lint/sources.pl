#!/usr/bin/perl
# Proves: the sources keep the rules that neither compiler nor catalog enforces. Each
# check says what it found, and fails when there was nothing to look at.
use strict;
use warnings;
use File::Basename qw(dirname);
use Test::More;

chdir dirname($0) . '/../..' or die;

sub slurp { my ($path) = @_; open my $in, '<', $path or die "$path: $!\n"; local $/; return scalar <$in> // '' }
sub lines_of { my ($text, $at) = @_; return 1 + (substr($text, 0, $at) =~ tr/\n//) }

# Every match of a pattern in the files, as file:line: match.
sub matches {
	my ($pattern, @files) = @_;
	my @found;
	for my $path (@files) {
		my $text = slurp($path);
		while ($text =~ /$pattern/g) {
			my ($match, $line) = ($&, lines_of($text, $-[0]));
			push @found, "$path:$line: " . $match =~ s/\s+/ /gr;
		}
	}
	return @found;
}

sub none {
	my ($description, $looked, @found) = @_;
	ok($looked && !@found, $description) or diag($looked ? join "\n", @found : 'nothing was looked at');
}

# -- install scripts ------------------------------------------------------------------

# An object of that name that is there already was not made by us: it must be refused,
# not adopted. The schemas hold the user's tables and outlive the extension.
my @scripts = grep { !/\.tables\.sql$/ } glob 'src/*/*.sql';
none('install scripts adopt nothing: no OR REPLACE, no IF NOT EXISTS', scalar @scripts,
	grep { !/CREATE SCHEMA IF NOT EXISTS crm_(?:data|report|secure)$/ }
	matches(qr/\bCREATE\s+OR\s+REPLACE\b|\bCREATE\s+(?:\w+\s+){1,3}IF\s+NOT\s+EXISTS(?:\s+\w+)?/i, @scripts));

# -- C -----------------------------------------------------------------------------------

# The server's own words for a type's input, in which DETAIL says what is wrong.
my %server_words = map { $_ => 1 } 'invalid input syntax for type %s', 'invalid binary value for type %s';

# message => places, from what follows a word that raises, across adjacent literals.
sub messages
{
	my ($pattern, $quote, @files) = @_;
	my %places;
	for my $path (@files) {
		my $text = slurp($path);
		while ($text =~ /$pattern/g) {
			my ($message, $line) = ($1, lines_of($text, $-[0]));
			push @{ $places{ $message =~ s/$quote\s*//gr =~ s/\s+$//r } }, "$path:$line";
		}
	}
	return %places;
}

sub one_place
{
	my ($description, %places) = @_;
	none($description, scalar keys %places,
		map { "$_: @{ $places{$_} }" } grep { @{ $places{$_} } > 1 && !$server_words{$_} } sort keys %places);
}

one_place('every message in C stands in one place',
	messages(qr/\berrmsg(?:_internal|_plural)?\(\s*((?:"(?:[^"\\]|\\.)*"\s*)+)/, qr/"/, glob 'src/*.c src/*/*.c'));
one_place('every message in SQL stands in one place',
	messages(qr/\bRAISE\s+EXCEPTION\s+('(?:[^']|'')*')/, qr/^'|'$/, glob 'src/*/*.sql'));

my %own = map { $_ => 1 } glob 'src/*/*_core.c';
none('cores include no header of the server', scalar keys %own,
	matches(qr/#include\s+"(?:postgres|fmgr|c|utils\/\w+|nodes\/\w+|access\/\w+|catalog\/\w+|miscadmin)\.h"/, sort keys %own));

SKIP: {
	skip 'crm.so is not built', 1 unless -f 'crm.so';
	my @symbols = map { (split)[-1] } `nm -D --defined-only crm.so`;
	none('every symbol of the library begins crm_', scalar @symbols,
		grep { !/^(?:pg_finfo_)?crm_/ && !/^(?:Pg_magic_func|_PG_init|_init|_fini)$/ } @symbols);
}

# -- every text file ------------------------------------------------------------------------

my @texts = grep { -T $_ && !/\.inc$/ } split /\n/, `git ls-files 2>/dev/null` || `find . -type f -not -path './build/*' -not -name '*.o'`;
none('no file holds a path of somebody\'s machine or an unfinished note', scalar @texts,
	grep { !m{^(?:\./)?test/lint/sources\.pl:} }
	matches(qr{(?<![\w.])/(?:home|work|root|Users)/\w+|\b(?:TODO|FIXME|XXX)\b|\bregistry\.\w+\.\w+}, @texts));
none('no line of C or SQL ends in white space', scalar @texts, matches(qr/[ \t]+$/m, grep { /\.(?:c|h|sql|pl|spec)$/ } @texts));

# What is not a room, a page or a tool has to be put on this list by hand, so that no scrap is left behind.
my %top = map { $_ => 1 } qw(.gitignore CHANGELOG.md CONTRIBUTING.md LICENSE META.json Makefile NOTICE README.md README.zh-CN.md crm.control);
SKIP: {
	my @tracked = grep { !m{/} } split /\n/, `git ls-files 2>/dev/null`;
	skip 'not a checkout', 1 unless @tracked;
	none('nothing lies at the top that is not known', scalar @tracked, grep { !$top{$_} } @tracked);
}

done_testing();
