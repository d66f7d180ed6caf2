#!/usr/bin/perl
# Proves: what both READMEs tell a stranger to type works, in that order, on a fresh
# demonstration, and answers what they show; so does what they say about a server of one's own;
# every link in them and in doc/ leads somewhere.
#
# A block's "=> " lines are run as they stand, in one session of psql that changes users
# where the text does. What differs by day or by chance is stated in two places below.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IPC::Run qw(run);
use Test::More;

chdir dirname($0) . '/../..' or die;
my $server = $ENV{CRM_DEMO} // 'demo';
my $files = tempdir(CLEANUP => 1);
my $any = '…';

sub slurp { my ($path) = @_; open my $in, '<', $path or die "$path: $!\n"; local $/; return scalar <$in> }
sub section { my ($text, $title) = @_; return $text =~ /^## [^\n]*\Q$title\E[^\n]*\n(.*?)(?=^## |\z)/ms ? $1 : die "no section $title\n" }
sub psql { return ('psql', '-X', '-P', 'pager=off', '-U', $_[0], '-d', $_[1]) }

sub ask
{
	my ($db, $sql) = @_;
	my ($out, $err);
	run [ psql('postgres', $db), '-qAtc', $sql ], '>', \$out, '2>', \$err or die "$sql: $err";
	chomp $out;
	return $out;
}

# -- by the day: codes and years of the text become today's ---------------------------------

sub as_of_today
{
	my ($text, $today) = @_;
	my ($then) = $text =~ /CUST(\d{8})/;
	my $years = substr($today, 0, 4) - substr($then, 0, 4);
	$text =~ s/CUST$then/CUST$today/g;
	$text =~ s/\b(20\d\d)(?=-\d\d(?:-\d\d)?\b)/$1 + $years/ge;
	return $text;
}

# -- by chance: the pattern that an answer must fit, given the statement -----------------------

sub pattern
{
	my ($statement, $shown) = @_;
	my $pattern = join '.*?', map { quotemeta } split /$any/, squeeze($shown), -1;
	$pattern =~ s/(?:\\-)?\d+\\\.\d/-?[\\d.]+/g if $statement =~ /explain_pair/;             # learned weights
	$pattern =~ s/(\\"age\\"\\:\\ )\d+/$1\\d+/g;
	$pattern =~ s/(fingerprint\\=)\w+/$1\\w+/, $pattern =~ s/\d+/\\d+/g if $statement =~ /^grep/;
	return qr/\A$pattern\z/s;
}

sub squeeze { my ($text) = @_; $text =~ s/-{3,}/---/g; $text =~ s/\s+/ /g; return $text =~ s/^ | $//gr }

# What psql prints, less what the text leaves out: headings, counts of rows, marks of long lines.
sub answer
{
	my ($printed, $shown) = @_;
	$printed =~ s/[ ]*\+$//mg;
	$printed =~ s/^-\[ RECORD 1 \].*\n//m unless $shown =~ /RECORD/;
	$printed =~ s/\A[^\n]*\n-[-+]*\n// unless $shown =~ /^-[-+]+$/m;
	$printed =~ s/^\(\d+ rows?\)$//m unless $shown =~ /^\(\d/m;
	return squeeze($printed);
}

# -- the text as a script -----------------------------------------------------------------------

# Items: user => name; file => name, text; run => statement, shown; shell => command, shown.
sub items
{
	my ($text) = @_;
	my (@items, $block, $prose);
	for my $line (split /\n/, $text) {
		if ($line =~ /^```/) {
			push @items, $block =~ /^(?:=>|\$) /m ? dialogue($block) : { file => ($prose =~ /`([\w.]+\.csv)`/)[0], text => $block } if defined $block;
			$block = defined $block ? undef : '';
		} elsif (defined $block) {
			$block .= "$line\n";
		} else {
			push @items, { user => $1 } if $line =~ /`\\c crm_demo (\w+)`/ || $line =~ /^    psql .* -U (\w+) crm_demo$/;
			$prose = $line if $line =~ /\S/;
		}
	}
	return @items;
}

sub dialogue
{
	my ($block) = @_;
	my (@items, $open);
	for my $line (split /\n/, $block) {
		if ($line =~ /^=> (.*)/) {
			push @items, { run => $1, shown => '' };
			$open = $1 !~ /^\\|;$|\\gx$/;
		} elsif ($line =~ /^\$ (.*)/) {
			push @items, { shell => $1, shown => '' };
		} elsif ($open) {
			$items[-1]{run} .= "\n$line";
			$open = $line !~ /;$|\\gx$/;
		} else {
			$items[-1]{shown} .= "$line\n";
		}
	}
	# "the same": an ellipsis in a statement stands for the rest of the one before that begins so.
	for my $n (0 .. $#items) {
		my ($start) = ($items[$n]{run} // '') =~ /^(.*?)\s*$any/ or next;
		($items[$n]{run}) = map { $_->{run} } grep { index($_->{run} // '', $start) == 0 } @items[ 0 .. $n - 1 ];
	}
	return @items;
}

# All that psql is to do, in one session; what it printed, statement by statement.
sub play
{
	my ($db, @items) = @_;
	my $script = '';
	for my $n (0 .. $#items) {
		my $item = $items[$n];
		$script .= "\\c $db $item->{user}\n" if $item->{user};
		$script .= "$item->{run}\n" if $item->{run};
		$script .= "\\echo <<$n>>\n\\warn <<$n>>\n";
		next unless $item->{file};
		open my $out, '>', "$files/$item->{file}" or die;
		print $out $item->{text};
		close $out;
	}
	local $ENV{PGHOST} = $ENV{PGHOST};
	run [ psql('demo_admin', $db) ], '<', \$script, '>', \my $out, '2>', \my $err, init => sub { chdir $files };
	my @out = split /^<<\d+>>\n/m, $out;
	my @err = split /^<<\d+>>\n/m, $err;
	return map { ($err[$_] // '') . ($out[$_] // '') } 0 .. $#items;
}

sub ten_minutes
{
	my ($readme, $db) = @_;
	my $today = ask($db, q{SELECT to_char(crm.company_today(), 'YYYYMMDD')});
	my @items = items(as_of_today(section(slurp($readme), '十分钟体验'), $today));
	my @printed = play($db, @items);

	cmp_ok(scalar(grep { $_->{run} } @items), '>', 25, "$readme: there are statements to run");
	for my $n (0 .. $#items) {
		my ($item, $printed) = ($items[$n], $printed[$n]);
		my $command = $item->{run} // $item->{shell} // next;
		$printed = `@{[ $item->{shell} =~ s/demo\.log/$server.log/r ]}` if $item->{shell};
		my $name = "$readme: " . substr squeeze($command), 0, 90;
		if ($item->{shown} !~ /\S/) {
			unlike($printed, qr/^ERROR:|^psql:/m, $name);
		} else {
			like(answer($printed, $item->{shown}), pattern($command, $item->{shown}), $name);
		}
	}
}

# The indented statements, and what must be true after them.
sub own_server
{
	my ($readme) = @_;
	my ($sql) = slurp($readme) =~ /^(    CREATE DATABASE shop;\n(?:    .*\n)+)/m or die "$readme: no statements for a server of one's own\n";
	my $key = ask('postgres', 'SHOW crm.key_file') =~ s/[^\/]*$/shop.key/r;
	ask('postgres', 'DROP DATABASE IF EXISTS shop');
	ask('postgres', 'DROP ROLE IF EXISTS li_na');
	$sql =~ s{/etc/crm/shop\.key}{$key} or die "$readme: no key file\n";
	run [ psql('postgres', 'postgres'), '-q' ], '<', \$sql, '>', \my $out, '2>', \my $err;
	unlike($err, qr/ERROR|FATAL/, "$readme: a server of one's own");
	is(ask('shop', 'SELECT loaded FROM crm.key_status()'), 't', "$readme: and its key is there");
	is(ask('shop', q{SELECT pg_has_role('li_na', 'crm_data_admin', 'MEMBER') AND NOT EXISTS (SELECT FROM crm.deploy_pending())}), 't', "$readme: and all is deployed");
}

# -- links ---------------------------------------------------------------------------------------

# The anchor that a heading has: lower case, no punctuation, blanks to hyphens.
sub anchors
{
	my ($text) = @_;
	utf8::decode($text);
	my %anchors = map { my $a = lc; $a =~ s/[^\w\- ]//g; $a =~ tr/ /-/; utf8::encode($a); $a => 1 } $text =~ /^#+ (.*)$/mg;
	return \%anchors;
}

sub links
{
	my (@broken, $seen);
	for my $page (glob '*.md doc/*.md') {
		my $text = slurp($page);
		$text =~ s/^```.*?^```$//msg;
		while ($text =~ /\]\(([^)\s]+)\)/g) {
			my ($file, $anchor) = split /#/, $1, 2;
			next if $file =~ /^\w+:/;
			$seen++;
			my $path = $file eq '' ? $page : dirname($page) . "/$file";
			push @broken, "$page: $1" unless -e $path && (!$anchor || anchors(slurp($path))->{$anchor});
		}
	}
	cmp_ok($seen, '>', 100, 'there are links');
	is_deeply(\@broken, [], 'every link leads to a page, and to a heading of it');
}

my ($env) = `tools/cluster env $server`;
$env =~ /PGHOST=(\S+)/ and $ENV{PGHOST} = $1;
@ENV{qw(PGPORT PGCLIENTENCODING)} = (5432, 'UTF8');
delete $ENV{PGUSER};
ask('postgres', 'DROP DATABASE IF EXISTS crm_demo_zh');
ask('postgres', 'CREATE DATABASE crm_demo_zh TEMPLATE crm_demo');
ask('postgres', 'ALTER DATABASE crm_demo_zh SET search_path = "$user", public, crm');
ten_minutes('README.md', 'crm_demo');
ten_minutes('README.zh-CN.md', 'crm_demo_zh');
own_server($_) for qw(README.md README.zh-CN.md);
links();
done_testing();
