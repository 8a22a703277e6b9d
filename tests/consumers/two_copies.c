/* two_copies.c - one program with two copies of the library in it.
 *
 * consumer.c is compiled twice, each time with another TOCSIN_NAMESPACE and its main
 * under another name.
 */
int left_main(void);
int right_main(void);

int main(void)
{
    return left_main() || right_main();
}
