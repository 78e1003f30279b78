#!/bin/sh
# A file is never over 800 lines, a function never over 70.
find gateway router providers tests -not -path "*/node_modules/*" -name '*.[ch]' | sort | xargs awk '
    FNR == 1 { if (file != "" && lines > 800) { print file ": " lines " lines, over 800"; bad = 1 }
               file = FILENAME; open = 0 }
    { lines = FNR }
    /^\{$/ { open = FNR; head = previous }
    /^\}$/ { if (open && FNR - open - 1 > 70) {
                 print FILENAME ":" open ": function of " FNR - open - 1 " lines, over 70: " head; bad = 1 }
             open = 0 }
    { previous = $0 }
    END { if (lines > 800) { print file ": " lines " lines, over 800"; bad = 1 }
          if (!bad) print "sizes: ok"; exit bad }'
