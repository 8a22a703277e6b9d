# Rscript holt_winters.R > holt_winters_r.h
#
# What R's own HoltWinters() filter predicts, with fixed parameters and a given initial state.
# The test feeds the same series to holt-winters, from the same state.

set.seed(20)
hex <- function(x) paste(sprintf("%a", x), collapse = ", ")
rows <- function(x) {
    parts <- split(x, (seq_along(x) - 1) %/% 4)
    paste(sapply(parts, function(p) paste0("    ", hex(p), ",")), collapse = "\n")
}

case <- function(name, form, trend, period, count, alpha, beta, gamma) {
    i <- seq_len(count)
    wave <- sin(2 * pi * i / period)
    x <- 50 + 0.1 * i
    x <- if (form == "additive") x + 5 * wave else x * (1 + 0.4 * wave)
    x <- x + rnorm(count)
    l <- 48.5
    b <- if (trend) 0.25 else 0
    s <- if (form == "additive") round(rnorm(period), 3) else round(1 + 0.2 * runif(period), 3)
    fit <- HoltWinters(ts(x, frequency = period), alpha = alpha, beta = if (trend) beta else FALSE,
                       gamma = gamma, seasonal = form, l.start = l, b.start = b, s.start = s)
    from <- period + 1      # R's filter starts with the second cycle
    cat(sprintf("static const double %s_value[] = {\n%s\n};\n", name, rows(x[from:count])))
    cat(sprintf("static const double %s_expected[] = {\n%s\n};\n", name,
                rows(as.vector(fit$fitted[, "xhat"]))))
    cat(sprintf("static const double %s_season[] = {\n%s\n};\n\n", name, rows(s)))
    cases <<- c(cases, sprintf(
        paste0("    {\"%s\", \"season=%dp form=%s trend=%s phi=1 alpha=%s beta=%s gamma=%s\",\n",
               "     %d, %d, %s, %s, %s_value, %s_expected, %s_season},"),
        name, period, form, if (trend) "on" else "off", alpha, if (trend) beta else 0, gamma,
        period, count - period, sprintf("%a", l), sprintf("%a", b), name, name, name))
}

cases <- NULL
cat("/* holt_winters_r.h - made by holt_winters.R with", R.version.string, "*/\n\n")
case("r_additive", "additive", TRUE, 12, 150, 0.3, 0.05, 0.2)
case("r_additive_fast", "additive", TRUE, 7, 120, 0.9, 0.6, 0.7)
case("r_additive_level", "additive", FALSE, 24, 150, 0.15, 0, 0.35)
case("r_multiplicative", "multiplicative", TRUE, 12, 150, 0.2, 0.1, 0.3)
case("r_multiplicative_level", "multiplicative", FALSE, 5, 90, 0.6, 0, 0.1)

# Without a season R starts with the third value.
count <- 120
x <- 20 - 0.2 * seq_len(count) + rnorm(count)
fit <- HoltWinters(ts(x), alpha = 0.4, beta = 0.15, gamma = FALSE, l.start = 21.5, b.start = -0.75)
cat(sprintf("static const double r_double_value[] = {\n%s\n};\n", rows(x[3:count])))
cat(sprintf("static const double r_double_expected[] = {\n%s\n};\n\n",
            rows(as.vector(fit$fitted[, "xhat"]))))
cases <- c(cases, sprintf(
    paste0("    {\"r_double\", \"phi=1 alpha=0.4 beta=0.15\", 0, %d, %s, %s,\n",
           "     r_double_value, r_double_expected, NULL},"),
    count - 2, sprintf("%a", 21.5), sprintf("%a", -0.75)))
cat("static const reference_case r_cases[] = {\n", paste(cases, collapse = "\n"), "\n};\n", sep = "")
