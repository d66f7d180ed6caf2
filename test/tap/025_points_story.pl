# Proves: the story in doc/points-rules.md is true, statement by statement and answer by answer.
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
# A statement ends a line with a semicolon; its answer, if it is told, stands below.
while ($story =~ /\G((?:(?!-->)[^\n]*\n)*?[^\n]*;\n)((?:--> [^\n]*\n)*)\n*/g) {
	my ($statement, $answer) = ($1, $2);
	$answer =~ s/^--> //mg;
	chomp $answer;
	my $got = $node->safe_psql('crm', $statement);
	next if $answer eq '';
	is($got, $answer, (split /\n/, $statement)[-1]);
	$told++;
}
is($told, () = $story =~ /(?<!-->)[^\n]*;\n--> /g, 'every answer was compared');
cmp_ok($told, '>=', 12, 'and there were many');

$node->stop;
done_testing();
