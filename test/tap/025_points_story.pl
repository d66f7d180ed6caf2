# Proves: the story in doc/points-rules.md is true, statement by statement and answer by answer;
# and when the database is dumped halfway and restored, it goes on there just the same.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use CrmTest;

my ($story) = slurp_file("$CrmTest::top/doc/points-rules.md") =~ /^## A story.*?^```sql\n(.*?)^```$/ms or die "no story\n";
my $node = server('story');
$node->start;
deploy($node, 'crm');

my $told = 0;
my @databases = ('crm');
# A statement ends a line with a semicolon; its answer, if it is told, stands below.
while ($story =~ /\G((?:(?!-->)[^\n]*\n)*?[^\n]*;\n)((?:--> [^\n]*\n)*)\n*/g) {
	my ($statement, $answer) = ($1, $2);
	$answer =~ s/^--> //mg;
	chomp $answer;
	if ($told == 7 && @databases == 1) {
		my $dump = $node->basedir . '/story.dump';
		runs($node, 'dump halfway', 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr('crm'));
		$node->safe_psql('postgres', 'CREATE DATABASE again; ALTER DATABASE again SET search_path = public, crm');
		runs($node, 'restore', 'pg_restore', '-e', '-d', $node->connstr('again'), $dump);
		push @databases, 'again';
	}
	my @got = map { $node->safe_psql($_, $statement) } @databases;
	next if $answer eq '';
	is($got[$_], $answer, "$databases[$_]: " . (split /\n/, $statement)[-1]) for 0 .. $#databases;
	$told++;
}
is($told, () = $story =~ /(?<!-->)[^\n]*;\n--> /g, 'every answer was compared');
cmp_ok($told, '>=', 12, 'and there were many');

is(scalar @databases, 2, 'the story was told to its end in two databases');
$node->stop;
done_testing();
