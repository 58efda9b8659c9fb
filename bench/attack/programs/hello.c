/* Says a line on both outputs. Ends with 7. */
#include <stdio.h>

int main(void)
{
    puts("hello");
    fputs("words\n", stderr);
    return 7;
}
